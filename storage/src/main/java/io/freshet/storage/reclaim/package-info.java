// SPDX-License-Identifier: Apache-2.0
/**
 * Deletion of objects that nobody needs: retired ones after their grace period, and those that the quorum has never heard
 * of. Runs on the scheduler's thread and on those that complete store calls; nothing here blocks.
 */
@NullMarked
package io.freshet.storage.reclaim;

import org.jspecify.annotations.NullMarked;
