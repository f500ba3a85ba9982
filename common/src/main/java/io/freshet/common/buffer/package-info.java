// SPDX-License-Identifier: Apache-2.0
/** Reference-counted bytes that pass between modules without being copied. */
@NullMarked
package io.freshet.common.buffer;

import org.jspecify.annotations.NullMarked;
