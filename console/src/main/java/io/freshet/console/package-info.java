// SPDX-License-Identifier: Apache-2.0
/** HTTP health and metrics. */
@NullMarked
package io.freshet.console;

import org.jspecify.annotations.NullMarked;
