// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Set;
import org.apache.kafka.raft.KafkaRaftClient;
import org.apache.kafka.raft.internals.KRaftControlRecordStateMachine;

/** What Kafka's client has read of the records of its log that name voters, which it keeps to itself. */
final class ControlRecords {
    private static final VarHandle STATE =
            field(KafkaRaftClient.class, "partitionState", KRaftControlRecordStateMachine.class);
    private static final VarHandle NEXT_OFFSET = field(KRaftControlRecordStateMachine.class, "nextOffset", long.class);

    private ControlRecords() {}

    private static VarHandle field(Class<?> owner, String name, Class<?> type) {
        try {
            return MethodHandles.privateLookupIn(owner, MethodHandles.lookup()).findVarHandle(owner, name, type);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(
                    "This is not the kafka-raft that this server was built with: " + owner.getName() + " has no " + name
                            + "; run the libraries of one distribution only",
                    e);
        }
    }

    /** Whether the last of them that it has read have the node of this id. Raft's thread, or before it runs. */
    static boolean haveVoter(KafkaRaftClient<?> client, int nodeId) {
        KRaftControlRecordStateMachine state = (KRaftControlRecordStateMachine) STATE.getVolatile(client);
        return state != null && !state.lastVoterSet().listeners(nodeId).isEmpty();
    }

    /** Who votes by the last of them that it has read. Any thread. */
    static Set<Integer> voterIds(KafkaRaftClient<?> client) {
        KRaftControlRecordStateMachine state = (KRaftControlRecordStateMachine) STATE.getVolatile(client);
        return state == null ? Set.of() : state.lastVoterSet().voterIds();
    }

    /** Has it read from {@code offset} on if it is further. Raft's thread. */
    static void readAgainFrom(KafkaRaftClient<?> client, long offset) {
        KRaftControlRecordStateMachine state = (KRaftControlRecordStateMachine) STATE.getVolatile(client);
        if (state != null && (long) NEXT_OFFSET.getVolatile(state) > offset) {
            NEXT_OFFSET.setVolatile(state, offset);
        }
    }
}
