// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import static io.freshet.metadata.remote.FakeHost.node;
import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.remote.CommandRouting.Limits;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.errors.TopicExistsException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** One call at a time: where it is sent, when it is repeated, and what its caller is told. */
class RoutedControllerTest {
    private static final int HERE = 1;
    private static final Limits LIMITS = new Limits(10_000, 4_000, 20, 500, 1_000, 3);

    private final ManualTime time = new ManualTime();
    private final FakeHost host = new FakeHost(HERE);
    private final ScriptedChannel channel = new ScriptedChannel();
    private final List<Integer> ranHere = new ArrayList<>();
    private final CommandType<Integer, Integer> once = CommandType.of(
            900,
            "once",
            Codec.of(CommandWriter::writeInt, CommandReader::readInt),
            answerCodec(),
            (controller, asked) -> {
                ranHere.add(asked);
                return CompletableFuture.completedFuture(asked + 1);
            });
    private final CommandType<Integer, Integer> repeatable = once.repeatable();
    private final CommandType<Integer, Integer> urgent = repeatable.notLogged().urgent();
    private final RoutedController controller = new RoutedController(
            host, new CommandRouting(channel, time, time, () -> 0, new SimpleMeterRegistry(), LIMITS));

    private static Codec<Integer> answerCodec() {
        return Codec.of(CommandWriter::writeInt, CommandReader::readInt);
    }

    @Test
    void runsHereWhileThisNodeLeads() {
        host.leader(HERE, 1);
        assertThat(controller.call(once, 5)).isCompletedWithValue(6);
        assertThat(channel.sent).isEmpty();
        assertThat(time.pending()).isZero();
    }

    @Test
    void completesWhenTheCommandIsAppliedHere() {
        host.leader(2, 1);
        CompletableFuture<Integer> call = controller.call(once, 5);
        channel.only().answer(done(6, 40));
        assertThat(call).isNotDone();
        host.apply(40);
        assertThat(call).isCompletedWithValue(6);
        assertThat(time.pending()).isZero();
        assertThat(ranHere).isEmpty();
    }

    @Test
    void waitsForNothingIfTheCommandIsNotInTheLog() {
        host.leader(2, 1);
        CompletableFuture<Integer> call = controller.call(once.notLogged(), 5);
        channel.only().answer(done(6, 40));
        assertThat(call).isCompletedWithValue(6);
    }

    @Test
    void whatIsNotAppliedHereInTimeIsIndeterminate() {
        host.leader(2, 1);
        CompletableFuture<Integer> call = controller.call(once, 5);
        channel.only().answer(done(6, 40));
        time.advance(LIMITS.withinMs());
        assertThat(failure(call).kind()).isEqualTo(ErrorKind.INDETERMINATE);
        assertThat(failure(call)).hasMessageContaining("has not applied offset 40");
    }

    @Test
    void whatWasNotDeliveredIsTriedAgainUntilTheDeadline() {
        host.leader(2, 1);
        CompletableFuture<Integer> call = controller.call(once, 5);
        for (int i = 0; i < 5; i++) {
            channel.last().fail(ErrorKind.UNAVAILABLE, "refused");
            assertThat(call).isNotDone();
            time.advance(LIMITS.longestPauseMs());
            assertThat(channel.sent).hasSize(i + 2);
        }
        channel.last().fail(ErrorKind.UNAVAILABLE, "refused");
        channel.failAllWith = ErrorKind.UNAVAILABLE;
        time.advance(LIMITS.withinMs());
        assertThat(failure(call).kind()).isEqualTo(ErrorKind.UNAVAILABLE);
        assertThat(failure(call))
                .hasMessageContaining("once was not done within 10000 ms")
                .hasMessageContaining("refused");
    }

    @Test
    void pausesGrowUpToALimit() {
        host.leader(2, 1);
        channel.failAllWith = ErrorKind.UNAVAILABLE;
        CompletableFuture<Integer> call = controller.call(once, 5);
        time.advance(20);
        assertThat(channel.sent).hasSize(2);
        time.advance(39);
        assertThat(channel.sent).hasSize(2);
        time.advance(1);
        assertThat(channel.sent).hasSize(3);
        time.advance(80 + 160 + 320 + 500 + 500);
        assertThat(channel.sent).hasSize(8);
        assertThat(call).isNotDone();
    }

    @Test
    void aLostAnswerIsIndeterminateAndNotRepeated() {
        host.leader(2, 1);
        CompletableFuture<Integer> call = controller.call(once, 5);
        channel.only().fail(ErrorKind.INDETERMINATE, "connection lost");
        assertThat(failure(call).kind()).isEqualTo(ErrorKind.INDETERMINATE);
        time.advance(LIMITS.withinMs());
        assertThat(channel.sent).hasSize(1);
    }

    @Test
    void aLostAnswerOfARepeatableCommandIsAskedForAgain() {
        host.leader(2, 1);
        CompletableFuture<Integer> call = controller.call(repeatable, 5);
        channel.only().fail(ErrorKind.INDETERMINATE, "connection lost");
        time.advance(LIMITS.longestPauseMs());
        assertThat(channel.sent).hasSize(2);
        channel.last().answer(done(6, 0));
        assertThat(call).isCompletedWithValue(6);
    }

    @Test
    void aRepeatableCommandThatWasOnceLostEndsAsIndeterminate() {
        host.leader(2, 1);
        CompletableFuture<Integer> call = controller.call(repeatable, 5);
        channel.only().fail(ErrorKind.INDETERMINATE, "connection lost");
        channel.failAllWith = ErrorKind.UNAVAILABLE;
        time.advance(LIMITS.withinMs());
        assertThat(failure(call).kind()).isEqualTo(ErrorKind.INDETERMINATE);
    }

    @Test
    void aDamagedAnswerIsALostOne() {
        host.leader(2, 1);
        CompletableFuture<Integer> call = controller.call(once, 5);
        channel.only().answer(ByteBuffer.allocate(30));
        assertThat(failure(call).kind()).isEqualTo(ErrorKind.INDETERMINATE);
    }

    @Test
    void anAnswerOfAnotherShapeIsALostOne() {
        host.leader(2, 1);
        CompletableFuture<Integer> call = controller.call(once, 5);
        channel.only()
                .answer(CommandCodec.encodeDone(StreamCommandTypes.TRIM_STREAM, (short) 0, 1, CommandType.Done.DONE));
        assertThat(failure(call).kind()).isEqualTo(ErrorKind.INDETERMINATE);
    }

    @Test
    void leavesALeaderThatWasReplacedIfItMayRepeat() {
        host.leader(2, 1);
        CompletableFuture<Integer> patient = controller.call(once, 5);
        CompletableFuture<Integer> call = controller.call(repeatable, 5);
        host.leader(-1, 2);
        controller.onLeaderChange();
        assertThat(channel.sent).hasSize(2);
        host.leader(3, 2);
        controller.onLeaderChange();
        assertThat(channel.sent).hasSize(3);
        assertThat(channel.last().to).isEqualTo(node(3));
        channel.sent.get(1).answer(done(1000, 0));
        assertThat(call).as("the old leader's answer").isNotDone();
        channel.last().answer(done(6, 0));
        assertThat(call).isCompletedWithValue(6);
        channel.sent.get(0).answer(done(7, 0));
        assertThat(patient).isCompletedWithValue(7);
    }

    @Test
    void waitsForALeaderAndGoesOnAtOnce() {
        CompletableFuture<Integer> call = controller.call(once, 5);
        time.advance(LIMITS.withinMs() / 2);
        assertThat(channel.sent).isEmpty();
        host.leader(3, 4);
        controller.onLeaderChange();
        assertThat(channel.only().to).isEqualTo(node(3));
        channel.only().answer(done(6, 0));
        assertThat(call).isCompletedWithValue(6);
    }

    @Test
    void runsHereWhenThisNodeIsElectedMeanwhile() {
        host.leader(2, 1);
        channel.failAllWith = ErrorKind.UNAVAILABLE;
        CompletableFuture<Integer> call = controller.call(once, 5);
        host.leader(HERE, 2);
        controller.onLeaderChange();
        assertThat(call).isCompletedWithValue(6);
        assertThat(ranHere).containsExactly(5);
        time.advance(LIMITS.withinMs());
        assertThat(ranHere).hasSize(1);
    }

    @Test
    void whatThisNodeHasNotFinishedInTimeIsIndeterminate() {
        CommandType<Integer, Integer> endless = CommandType.of(
                902, "endless", once.question(), answerCodec(), (controller, asked) -> new CompletableFuture<>());
        CompletableFuture<Integer> call = controller.call(endless, 5);
        host.leader(HERE, 1);
        controller.onLeaderChange();
        time.advance(LIMITS.withinMs());
        assertThat(failure(call).kind()).isEqualTo(ErrorKind.INDETERMINATE);
    }

    @Test
    void failsWithoutALeaderWhenTheTimeIsOver() {
        CompletableFuture<Integer> call = controller.call(once.within(2_000), 5);
        time.advance(1_999);
        assertThat(call).isNotDone();
        time.advance(1);
        assertThat(failure(call).kind()).isEqualTo(ErrorKind.UNAVAILABLE);
        assertThat(failure(call)).hasMessageContaining("no leader");
    }

    @Test
    void followsTheLeaderThatANodeNamesIfItIsNews() {
        host.leader(2, 1);
        CompletableFuture<Integer> call = controller.call(once, 5);
        channel.only().answer(CommandCodec.encode(new Answer.NotLeading(2, Optional.of(node(3)))));
        assertThat(channel.last().to).isEqualTo(node(3));
        channel.last().answer(CommandCodec.encode(new Answer.NotLeading(3, Optional.of(node(4)))));
        assertThat(channel.sent).as("only one such step without a pause").hasSize(2);
        time.advance(LIMITS.longestPauseMs());
        assertThat(channel.last().to).isEqualTo(node(2));
        channel.last().answer(CommandCodec.encode(new Answer.NotLeading(1, Optional.of(node(4)))));
        assertThat(channel.sent).hasSize(3);
        host.leader(3, 4);
        controller.onLeaderChange();
        channel.last().answer(done(6, 0));
        assertThat(call).isCompletedWithValue(6);
    }

    @Test
    void anUrgentCommandFindsTheLeaderAtOtherVoters() {
        host.leader(2, 1);
        host.voters(HERE, 2, 3, 4);
        CompletableFuture<Integer> call = controller.call(urgent, 5);
        time.advance(249);
        assertThat(channel.only().to).isEqualTo(node(2));
        time.advance(1);
        assertThat(channel.last().to).isEqualTo(node(3));
        channel.last().answer(CommandCodec.encode(new Answer.NotLeading(1, Optional.of(node(2)))));
        time.advance(100);
        assertThat(channel.last().to).isEqualTo(node(4));
        channel.last().answer(CommandCodec.encode(new Answer.NotLeading(2, Optional.of(node(3)))));
        assertThat(host.named()).containsExactly("3 in 2");
        assertThat(channel.sent).hasSize(4);
        assertThat(channel.last().to).isEqualTo(node(3));
        channel.sent.get(0).answer(done(1000, 0));
        assertThat(call).as("the old leader's answer").isNotDone();
        channel.last().answer(done(6, 0));
        assertThat(call).isCompletedWithValue(6);
        assertThat(time.pending()).isZero();
    }

    @Test
    void anUrgentCommandIsDoneByAVoterThatLeadsByNow() {
        host.leader(2, 1);
        host.voters(2, 3);
        channel.failAllWith = ErrorKind.UNAVAILABLE;
        CompletableFuture<Integer> call = controller.call(urgent, 5);
        time.advance(200);
        channel.failAllWith = null;
        time.advance(50);
        Sending scouting = channel.sent.stream()
                .filter(one -> one.to.equals(node(3)))
                .findFirst()
                .orElseThrow();
        scouting.answer(done(6, 0));
        assertThat(call).isCompletedWithValue(6);
        int sent = channel.sent.size();
        time.advance(LIMITS.withinMs());
        assertThat(channel.sent).hasSize(sent);
    }

    @Test
    void nobodyElseIsAskedForWhatTheLeaderAnswersInTimeOrWhatCanWait() {
        host.leader(2, 1);
        host.voters(HERE, 2, 3);
        CompletableFuture<Integer> urgently = controller.call(urgent, 5);
        channel.only().answer(done(6, 0));
        assertThat(urgently).isCompletedWithValue(6);
        controller.call(repeatable, 5);
        time.advance(1_000);
        assertThat(channel.sent).hasSize(2);
    }

    @Test
    void errorsKeepTheirKind() {
        host.leader(2, 1);
        for (ErrorKind kind : ErrorKind.values()) {
            CompletableFuture<Integer> call = controller.call(once, 5);
            channel.last().answer(CommandCodec.encode(new Answer.Failed(kind, "as there")));
            if (kind == ErrorKind.UNAVAILABLE) {
                assertThat(call).isNotDone();
                channel.last().answer(done(1, 0));
                time.advance(LIMITS.longestPauseMs());
                channel.last().answer(done(1, 0));
                assertThat(call).isCompletedWithValue(1);
            } else {
                assertThat(failure(call).kind()).isEqualTo(kind);
                assertThat(failure(call)).hasMessage("as there");
            }
        }
        CompletableFuture<Integer> call = controller.call(once, 5);
        channel.last().answer(CommandCodec.encode(Answer.of(new TopicExistsException("is there"))));
        assertThat(call.handle((answer, error) -> FreshetException.unwrap(error))
                        .join())
                .isInstanceOf(TopicExistsException.class)
                .hasMessage("is there");
    }

    @Test
    void fallsBackToTheVersionThatTheOtherNodeKnows() {
        host.leader(2, 1);
        CommandType<Integer, Integer> newer = new CommandType<>(
                once.id(),
                "once",
                (short) 3,
                Codec.of(
                        (out, asked) -> {
                            out.writeInt(asked);
                            if (out.version() >= 3) {
                                out.writeString("more");
                            }
                        },
                        CommandReader::readInt),
                answerCodec(),
                once.run(),
                asked -> false,
                true,
                0,
                false);
        FakeHost other = new FakeHost(2);
        other.leader(2, 1);
        CommandService older = service(other, List.of(once.atVersion(2)));
        CompletableFuture<Integer> call = controller.call(newer, 5);
        channel.only().answer(older.answer(channel.only().command).join());
        assertThat(channel.sent).hasSize(2);
        channel.last().answer(older.answer(channel.last().command).join());
        assertThat(call).isCompletedWithValue(6);
    }

    @Test
    void saysWhomToUpgradeIfTheOtherNodeDoesNotKnowTheCommand() {
        host.leader(2, 1);
        FakeHost other = new FakeHost(2);
        other.leader(2, 1);
        CompletableFuture<Integer> call = controller.call(once, 5);
        channel.only()
                .answer(service(other, List.of()).answer(channel.only().command).join());
        assertThat(failure(call).kind()).isEqualTo(ErrorKind.INVALID);
        assertThat(failure(call))
                .hasMessageContaining("Controller node 2 does not know")
                .hasMessageContaining("upgrade");
        assertThat(ranHere).isEmpty();
    }

    @Test
    void aServiceRefusesCommandsOfOtherClustersAndNodesThatDoNotLead() {
        CommandService service = service(host, List.of(once));
        host.leader(3, 7);
        ByteBuffer mine = CommandCodec.encode(once, (short) 0, FakeHost.CLUSTER, 5);
        assertThat(CommandCodec.answer("once", service.answer(mine).join()))
                .isEqualTo(new Answer.NotLeading(7, Optional.of(node(3))));
        host.leader(HERE, 8);
        ByteBuffer foreign = CommandCodec.encode(once, (short) 0, "another", 5);
        assertThat(CommandCodec.answer("once", service.answer(foreign).join()))
                .isInstanceOfSatisfying(Answer.Failed.class, failed -> {
                    assertThat(failed.kind()).isEqualTo(ErrorKind.INVALID);
                    assertThat(failed.message()).contains("cluster another");
                });
        assertThat(CommandCodec.answer(
                        "once", service.answer(ByteBuffer.allocate(3)).join()))
                .isInstanceOfSatisfying(
                        Answer.Failed.class, failed -> assertThat(failed.kind()).isEqualTo(ErrorKind.INVALID));
        assertThat(ranHere).isEmpty();
    }

    @Test
    void refusesWhatIsTooLargeAndTooMuch() {
        host.leader(2, 1);
        CommandType<String, Integer> large = CommandType.of(
                901,
                "large",
                Codec.of(CommandWriter::writeString, CommandReader::readString),
                answerCodec(),
                (controller, asked) -> CompletableFuture.completedFuture(1));
        assertThat(failure(controller.call(large, "x".repeat(1_000))).kind()).isEqualTo(ErrorKind.INVALID);
        List<CompletableFuture<Integer>> calls = new ArrayList<>();
        for (int i = 0; i < LIMITS.maxWaiting(); i++) {
            calls.add(controller.call(once, i));
        }
        assertThat(failure(controller.call(once, 9)).kind()).isEqualTo(ErrorKind.THROTTLED);
        channel.last().answer(done(1, 0));
        assertThat(calls.get(2)).isCompleted();
        assertThat(controller.call(once, 9)).isNotDone();
    }

    @Test
    void closingFailsWhatIsUnderWay() {
        CompletableFuture<Integer> waiting = controller.call(once, 5);
        host.leader(2, 1);
        CompletableFuture<Integer> sent = controller.call(once, 5);
        controller.close();
        assertThat(failure(waiting).kind()).isEqualTo(ErrorKind.UNAVAILABLE);
        assertThat(failure(sent).kind()).isEqualTo(ErrorKind.INDETERMINATE);
        assertThat(failure(controller.call(once, 5)).kind()).isEqualTo(ErrorKind.UNAVAILABLE);
        assertThat(channel.isClosed).isTrue();
        time.advance(LIMITS.withinMs());
        assertThat(channel.sent).hasSize(1);
    }

    private static CommandService service(FakeHost host, List<CommandType<?, ?>> types) {
        return new CommandService(host, CommandTypes.of(types), new SimpleMeterRegistry());
    }

    private ByteBuffer done(int answer, long offset) {
        return CommandCodec.encodeDone(once, (short) 0, offset, answer);
    }

    private static FreshetException failure(CompletableFuture<?> call) {
        assertThat(call).isCompletedExceptionally();
        return (FreshetException)
                call.handle((answer, error) -> FreshetException.unwrap(error)).join();
    }

    /** Keeps what is sent until the test answers. */
    private static final class ScriptedChannel implements CommandChannel {
        private final List<Sending> sent = new ArrayList<>();
        private @Nullable ErrorKind failAllWith;
        private boolean isClosed;

        @Override
        public CompletableFuture<ByteBuffer> send(Node to, ByteBuffer command, long timeoutMs) {
            Sending sending = new Sending(to, command, new CompletableFuture<>());
            sent.add(sending);
            if (failAllWith != null) {
                sending.fail(failAllWith, "refused");
            }
            return sending.answer;
        }

        private Sending only() {
            assertThat(sent).hasSize(1);
            return sent.get(0);
        }

        private Sending last() {
            return sent.get(sent.size() - 1);
        }

        @Override
        public void close() {
            isClosed = true;
        }
    }

    private record Sending(Node to, ByteBuffer command, CompletableFuture<ByteBuffer> answer) {
        private void answer(ByteBuffer bytes) {
            answer.complete(bytes);
        }

        private void fail(ErrorKind kind, String message) {
            answer.completeExceptionally(new FreshetException(kind, message));
        }
    }
}
