// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.mirror;

/** What the bucket's copy of the metadata log is good for. */
public enum MirrorMode {
    /** A command is answered, and its records take effect, only after they are in the bucket: the directory may be lost. */
    SYNC,
    /** Records reach the bucket some seconds later: a backup against the loss of the quorum, off everybody's path. */
    ASYNC,
    /** Nothing is written to the bucket. */
    OFF
}
