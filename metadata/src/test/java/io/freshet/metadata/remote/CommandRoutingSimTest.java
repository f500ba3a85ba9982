// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.metadata.remote.CommandRouting.Limits;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Node;
import org.junit.jupiter.api.Test;

/** Commands of three nodes over a bad network under changing leaders: nobody is told a lie about what was done. */
class CommandRoutingSimTest {
    private static final long FIRST_SEED = Long.getLong("freshet.test.seed", 1L);
    private static final int SEEDS = 150;
    private static final int NODES = 3;
    private static final int USUAL_DELAY_MS = 30;
    private static final int LATEST_DELIVERY_MS = 1_500;
    private static final int LATEST_ANSWER_MS = 5_000;
    private static final Limits LIMITS = new Limits(3_000, 800, 20, 300, 10_000, 1_000);

    private final ManualTime time = new ManualTime();
    private final List<FakeHost> hosts = new ArrayList<>();
    private final List<CommandService> services = new ArrayList<>();
    private final List<RoutedController> controllers = new ArrayList<>();
    private final Map<Integer, Integer> timesDone = new HashMap<>();
    private final int[] outcomes = new int[ErrorKind.values().length + 1];
    private Random random = new Random(0);
    private int epoch;
    private long logEnd;

    private final CommandType<Integer, Integer> once = CommandType.of(
            900,
            "once",
            Codec.of(CommandWriter::writeInt, CommandReader::readInt),
            Codec.of(CommandWriter::writeInt, CommandReader::readInt),
            (controller, asked) -> run(asked));
    private final CommandType<Integer, Integer> repeatable = once.repeatable();
    private final CommandType<Integer, Integer> urgent = repeatable.notLogged().urgent();

    @Test
    void tellsNoLies() {
        for (long seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
            run(seed);
        }
        assertThat(outcomes[ErrorKind.values().length]).as("done").isGreaterThan(SEEDS * 10);
        assertThat(outcomes[ErrorKind.INDETERMINATE.ordinal()]).isGreaterThan(SEEDS);
        assertThat(outcomes[ErrorKind.UNAVAILABLE.ordinal()]).isPositive();
    }

    private void run(long seed) {
        random = new Random(seed);
        hosts.clear();
        services.clear();
        controllers.clear();
        timesDone.clear();
        for (int id = 0; id < NODES; id++) {
            FakeHost host = new FakeHost(id);
            host.voters(0, 1, 2);
            hosts.add(host);
            services.add(new CommandService(host, CommandTypes.of(List.of(once)), new SimpleMeterRegistry()));
            controllers.add(new RoutedController(
                    host,
                    new CommandRouting(
                            new BadNetwork(), time, time, random::nextLong, new SimpleMeterRegistry(), LIMITS)));
        }
        Map<Integer, CompletableFuture<Integer>> calls = new HashMap<>();
        for (int i = 0; i < 60; i++) {
            if (random.nextInt(4) == 0) {
                elect(random.nextInt(4) == 0 ? -1 : random.nextInt(NODES));
            }
            CommandType<Integer, Integer> type = i % 2 == 0 ? once : i % 4 == 1 ? repeatable : urgent;
            calls.put(i, controllers.get(random.nextInt(NODES)).call(type, i));
            time.advance(random.nextInt(200));
            hosts.get(random.nextInt(NODES)).apply(logEnd);
        }
        hosts.forEach(host -> host.apply(logEnd));
        time.advance(LIMITS.withinMs() + LATEST_DELIVERY_MS + LATEST_ANSWER_MS + 2 * USUAL_DELAY_MS);
        calls.forEach((command, call) -> requireTruth(seed, command, call));
        assertThat(time.pending()).isZero();
    }

    private void requireTruth(long seed, int command, CompletableFuture<Integer> call) {
        int done = timesDone.getOrDefault(command, 0);
        assertThat(call).as("seed %s", seed).isDone();
        FreshetException error = (FreshetException) call.handle((answer, failure) -> FreshetException.unwrap(failure))
                .join();
        outcomes[error == null ? ErrorKind.values().length : error.kind().ordinal()]++;
        if (command % 2 == 0) {
            assertThat(done).as("seed %s, not repeatable", seed).isLessThanOrEqualTo(1);
        }
        if (error == null) {
            assertThat(done).as("seed %s, told to be done", seed).isPositive();
        } else if (error.kind() == ErrorKind.UNAVAILABLE) {
            assertThat(done).as("seed %s, told not to be done", seed).isZero();
        } else {
            assertThat(error.kind()).isEqualTo(ErrorKind.INDETERMINATE);
        }
    }

    /** Each node hears of it in its own time. */
    private void elect(int leader) {
        int elected = ++epoch;
        for (FakeHost host : hosts) {
            time.schedule(random.nextInt(300), () -> {
                if (host.leader().epoch() < elected) {
                    host.leader(leader, elected);
                    controllers.get(host.nodeId()).onLeaderChange();
                }
            });
        }
    }

    private CompletableFuture<Integer> run(int command) {
        CompletableFuture<Integer> answer = new CompletableFuture<>();
        int fate = random.nextInt(20);
        if (fate == 0) {
            answer.completeExceptionally(new FreshetException(ErrorKind.UNAVAILABLE, "not leading"));
            return answer;
        }
        timesDone.merge(command, 1, Integer::sum);
        logEnd++;
        hosts.forEach(host -> {
            if (host.leader().isLeader(host.nodeId())) {
                host.apply(logEnd);
            }
        });
        time.schedule(random.nextInt(fate == 2 ? LATEST_ANSWER_MS : 50), () -> {
            if (fate == 1) {
                answer.completeExceptionally(new FreshetException(ErrorKind.INDETERMINATE, "leadership lost"));
            } else {
                answer.complete(command);
            }
        });
        return answer;
    }

    /** Does not deliver, delivers late, loses answers, and gives up waiting. */
    private final class BadNetwork implements CommandChannel {
        @Override
        public CompletableFuture<ByteBuffer> send(Node to, ByteBuffer command, long timeoutMs) {
            CompletableFuture<ByteBuffer> answer = new CompletableFuture<>();
            int fate = random.nextInt(10);
            if (fate == 0) {
                answer.completeExceptionally(new FreshetException(ErrorKind.UNAVAILABLE, "cannot connect"));
                return answer;
            }
            time.schedule(
                    timeoutMs,
                    () -> answer.completeExceptionally(
                            new FreshetException(ErrorKind.INDETERMINATE, "no answer in time")));
            if (fate == 1) {
                return answer;
            }
            time.schedule(
                    random.nextInt(fate == 2 ? LATEST_DELIVERY_MS : USUAL_DELAY_MS),
                    () -> services.get(to.id()).answer(command).thenAccept(bytes -> {
                        if (fate != 3) {
                            time.schedule(random.nextInt(USUAL_DELAY_MS), () -> answer.complete(bytes));
                        }
                    }));
            return answer;
        }

        @Override
        public void close() {}
    }
}
