// SPDX-License-Identifier: Apache-2.0
/** The WAL lane on an object store: numbered slots, each written once with put-if-absent, fenced and sealed through the quorum. */
@NullMarked
package io.freshet.wal.s3;

import org.jspecify.annotations.NullMarked;
