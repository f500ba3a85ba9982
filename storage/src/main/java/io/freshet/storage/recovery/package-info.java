// SPDX-License-Identifier: Apache-2.0
/** What the WAL still holds at start, checked against the manifests and taken into memory. Runs on the starting thread. */
@NullMarked
package io.freshet.storage.recovery;

import org.jspecify.annotations.NullMarked;
