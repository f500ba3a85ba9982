// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata;

/** What the quorum knows of an object. */
public enum ObjectState {
    /** Nothing: it was never committed, or is deleted and forgotten. */
    UNKNOWN,
    /** Manifests name it. */
    LIVE,
    /** No manifest names it; it waits for its deletion. */
    RETIRED
}
