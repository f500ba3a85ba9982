// SPDX-License-Identifier: Apache-2.0
/** Values about streams, segments and objects that storage and the metadata quorum exchange. Immutable, free of threads. */
@NullMarked
package io.freshet.common.stream;

import org.jspecify.annotations.NullMarked;
