// SPDX-License-Identifier: Apache-2.0
/** Error kinds and values that every module shares. No threads live here. */
@NullMarked
package io.freshet.common;

import org.jspecify.annotations.NullMarked;
