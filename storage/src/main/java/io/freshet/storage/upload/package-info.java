// SPDX-License-Identifier: Apache-2.0
/**
 * Upload of the tail: seals streams' runs into objects, commits them in the quorum and trims the WAL. Runs on the upload
 * executor; waits for the WAL, the object store and the quorum are futures.
 */
@NullMarked
package io.freshet.storage.upload;

import org.jspecify.annotations.NullMarked;
