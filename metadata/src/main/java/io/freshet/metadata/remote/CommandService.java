// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.remote.CommandCodec.Received;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.raft.LeaderAndEpoch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers commands of other nodes, on this node if it leads. Safe for use by many threads; never blocks. Whether the sender
 * has the right to command is for the listener to decide before.
 */
public final class CommandService {
    private static final Logger LOG = LoggerFactory.getLogger(CommandService.class);

    private final CommandHost host;
    private final CommandTypes types;
    private final Counter answered;

    public CommandService(CommandHost host, MeterRegistry registry) {
        this(host, CommandTypes.ALL, registry);
    }

    CommandService(CommandHost host, CommandTypes types, MeterRegistry registry) {
        this.host = host;
        this.types = types;
        this.answered = registry.counter("freshet.metadata.remote.answered");
    }

    /**
     * Answers one command; the future never fails. It is decoded before this returns: {@code command} is free then.
     *
     * @return the answer's bytes, when the command is committed and applied here, or has failed
     */
    public CompletableFuture<ByteBuffer> answer(ByteBuffer command) {
        answered.increment();
        try {
            Received received = CommandCodec.command(command);
            if (!received.clusterId().equals(host.clusterId())) {
                throw new FreshetException(
                        ErrorKind.INVALID,
                        "A command for cluster " + received.clusterId() + " came to node " + host.nodeId()
                                + " of cluster " + host.clusterId()
                                + "; correct controller.quorum.bootstrap.servers of its sender");
            }
            LeaderAndEpoch leader = host.leader();
            if (!leader.isLeader(host.nodeId())) {
                return answered(new Answer.NotLeading(leader.epoch(), host.leaderNode()));
            }
            Optional<CommandType<?, ?>> type = types.find(received.typeId());
            if (type.isEmpty()
                    || received.version() < 0
                    || received.version() > type.get().version()) {
                return answered(unknown(received, type));
            }
            return run(type.get(), received);
        } catch (RuntimeException e) {
            return answered(failure(e));
        }
    }

    private Answer unknown(Received received, Optional<CommandType<?, ?>> type) {
        String name = type.map(known -> known.name() + ", number ").orElse("") + received.typeId();
        return new Answer.UnknownCommand(
                type.map(CommandType::version).orElse((short) -1),
                "Controller node " + host.nodeId() + " does not know version " + received.version()
                        + " of metadata command " + name + ": it runs an older version; upgrade that node");
    }

    private <Q, A> CompletableFuture<ByteBuffer> run(CommandType<Q, A> type, Received received) {
        Q question = CommandCodec.question(type, received);
        return type.run()
                .apply(host.local(), question)
                .thenApply(result -> CommandCodec.encodeDone(type, received.version(), host.appliedOffset(), result))
                .exceptionally(e -> CommandCodec.encode(failure(e)));
    }

    private static Answer failure(Throwable error) {
        Answer answer = Answer.of(error);
        if (answer instanceof Answer.Failed failed && failed.kind() == ErrorKind.INTERNAL) {
            LOG.error("A metadata command of another node failed unexpectedly", error);
        }
        return answer;
    }

    private static CompletableFuture<ByteBuffer> answered(Answer answer) {
        return CompletableFuture.completedFuture(CommandCodec.encode(answer));
    }
}
