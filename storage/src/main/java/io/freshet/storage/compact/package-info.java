// SPDX-License-Identifier: Apache-2.0
/** Compaction: objects of many streams become objects of one, small ones become large ones, superseded keys leave. */
@NullMarked
package io.freshet.storage.compact;

import org.jspecify.annotations.NullMarked;
