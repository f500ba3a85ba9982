// SPDX-License-Identifier: Apache-2.0
/**
 * How load is spread over brokers: what brokers report, and which partitions should move ({@link
 * io.freshet.metadata.balance.BalancePlanner}). Values and pure functions; they live in any thread.
 */
@NullMarked
package io.freshet.metadata.balance;

import org.jspecify.annotations.NullMarked;
