// SPDX-License-Identifier: Apache-2.0
/**
 * How a node without a vote keeps only a part of the state: the manifests of the streams that its broker leads, asked from the
 * quorum's leader when leadership comes, and given up when it has gone. Lives on the metadata thread.
 */
@NullMarked
package io.freshet.metadata.follow;

import org.jspecify.annotations.NullMarked;
