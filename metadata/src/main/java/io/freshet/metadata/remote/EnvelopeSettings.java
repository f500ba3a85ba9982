// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import java.util.Map;
import java.util.function.Supplier;
import org.apache.kafka.common.network.ChannelBuilder;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.network.PlaintextChannelBuilder;

/**
 * How a node connects to the others for its commands.
 *
 * @param clientId what the other node's log calls this one
 * @param security makes connections (TLS, SASL); called once for each client, and closed with it
 * @param maxInFlight commands under way on one connection; below what the listener reads ahead
 * @param silenceMs how long a sent command may stay without an answer before its connection is given up
 * @param connectMs how long connecting may take; up to three times as much when it fails again and again
 * @param maxAnswerBytes largest answer that is read
 */
public record EnvelopeSettings(
        String clientId,
        Supplier<ChannelBuilder> security,
        int maxInFlight,
        int silenceMs,
        long connectMs,
        int maxAnswerBytes) {
    /** Without encryption, for the controller listener {@code listenerName}. */
    public static EnvelopeSettings plaintext(int nodeId, String listenerName) {
        return new EnvelopeSettings(
                "freshet-commands-" + nodeId,
                () -> {
                    PlaintextChannelBuilder builder = new PlaintextChannelBuilder(new ListenerName(listenerName));
                    builder.configure(Map.of());
                    return builder;
                },
                64,
                10_000,
                3_000,
                100 << 20);
    }
}
