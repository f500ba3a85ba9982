// SPDX-License-Identifier: Apache-2.0
/** Kafka semantics over streams. */
@NullMarked
package io.freshet.broker;

import org.jspecify.annotations.NullMarked;
