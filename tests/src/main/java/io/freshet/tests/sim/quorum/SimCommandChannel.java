// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.remote.CommandChannel;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Node;

/** The way of commands from one process to the controller. */
final class SimCommandChannel implements CommandChannel {
    private final QuorumWorld world;
    private final NodeRun from;

    SimCommandChannel(QuorumWorld world, NodeRun from) {
        this.world = world;
        this.from = from;
    }

    @Override
    public CompletableFuture<ByteBuffer> send(Node to, ByteBuffer command, long timeoutMs) {
        CompletableFuture<ByteBuffer> answered = new CompletableFuture<>();
        var timer = from.process().schedule(timeoutMs, () -> {
            world.counts.add("command is not answered in time");
            answered.completeExceptionally(new FreshetException(
                    ErrorKind.INDETERMINATE, "No answer from node " + to.id() + " within " + timeoutMs + " ms"));
        });
        answered.whenComplete((answer, error) -> timer.cancel());
        byte[] bytes = new byte[command.remaining()];
        command.duplicate().get(bytes);
        int copies = world.sabotage.sendsCommandsTwice() ? 2 : 1;
        for (int i = 0; i < copies; i++) {
            // A connection carries a command once: another copy would be another command.
            world.network.requestOnce(
                    from,
                    to.id(),
                    "command",
                    receiver -> receive(receiver, bytes, answered),
                    () -> answered.completeExceptionally(
                            new FreshetException(ErrorKind.UNAVAILABLE, "Nobody listens at node " + to.id())));
        }
        return answered;
    }

    private void receive(NodeRun receiver, byte[] bytes, CompletableFuture<ByteBuffer> answered) {
        receiver.quorum().answerCommand(ByteBuffer.wrap(bytes)).thenAccept(answer -> {
            byte[] back = new byte[answer.remaining()];
            answer.duplicate().get(back);
            world.network.answer(receiver.id(), from, "command answer", () -> answered.complete(ByteBuffer.wrap(back)));
        });
    }

    @Override
    public void close() {}
}
