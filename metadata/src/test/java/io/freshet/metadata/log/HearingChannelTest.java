// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.runtime.Clock;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.message.FetchRequestData;
import org.apache.kafka.raft.RaftRequest;
import org.junit.jupiter.api.Test;

/** What can be known of other nodes from Raft's own requests. */
@SuppressWarnings("try") // close() may throw what the interface lets it
class HearingChannelTest {
    @Test
    void remembersWhereRaftHasFoundANode() throws Exception {
        try (HearingChannel channel =
                new HearingChannel(new LonelyChannel(RaftLogSettings.CONTROLLER_LISTENER), Clock.system())) {
            assertThat(channel.place(3)).isEmpty();
            send(channel, new Node(-2, "first", 9000));
            assertThat(channel.place(-2)).isEmpty();
            Node leader = new Node(3, "leader", 9003);
            send(channel, leader);
            assertThat(channel.place(3)).contains(leader);
            Node moved = new Node(3, "leader", 9004);
            send(channel, moved);
            assertThat(channel.place(3)).contains(moved);
            assertThat(channel.place(4)).isEmpty();
        }
    }

    private static void send(HearingChannel channel, Node to) {
        channel.send(new RaftRequest.Outbound(1, new FetchRequestData(), to, 0));
    }
}
