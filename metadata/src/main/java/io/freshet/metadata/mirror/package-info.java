// SPDX-License-Identifier: Apache-2.0
/**
 * A second home of the metadata log in the bucket: pieces of committed records and snapshots under {@code meta/}. {@link
 * io.freshet.metadata.mirror.LogMirror} writes them and lives on the metadata thread; {@link
 * io.freshet.metadata.mirror.MirrorStart} joins or restores, and lives on the thread that starts the node. Formats are in
 * docs/formats.md.
 */
@NullMarked
package io.freshet.metadata.mirror;

import org.jspecify.annotations.NullMarked;
