// SPDX-License-Identifier: Apache-2.0
/** What a running node tells {@code freshet storage} about streams and objects, as JSON over the console's HTTP. Read-only. */
@NullMarked
package io.freshet.broker.inspect;

import org.jspecify.annotations.NullMarked;
