// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.membership;

/**
 * How a broker keeps its session alive.
 *
 * @param intervalMs from one heartbeat to the next
 * @param answerTimeoutMs after which a heartbeat without an answer no longer keeps the next one back
 */
public record MembershipConfig(int brokerId, long intervalMs, long answerTimeoutMs) {}
