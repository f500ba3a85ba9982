// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.HeartbeatAnswer;
import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.state.ClusterState;
import io.freshet.metadata.state.ManifestStore;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.metadata.KafkaConfigSchema;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.MetadataVersion;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A controller that was stopped may be one of the past. */
class UpkeepTest {
    private static final long SESSION_MS = 3_000;

    @TempDir
    Path directory;

    private final HeldLog log = new HeldLog();
    private long nowNs = 1_000;
    private ManifestStore store;
    private ClusterState state;
    private CommandQueue queue;
    private ActiveController controller;
    private BrokerHeartbeat heartbeat;

    @BeforeEach
    void leadWithOneBroker() {
        store = ManifestStore.open(directory, "cluster");
        state = new ClusterState(store);
        Clock clock = new Clock() {
            @Override
            public long wallMs() {
                return nowNs / 1_000_000;
            }

            @Override
            public long nanoTime() {
                return nowNs;
            }
        };
        queue = new CommandQueue(log, state, Runnable::run, clock, new SimpleMeterRegistry());
        Inputs inputs = new Inputs(
                clock,
                () -> 1,
                1,
                (short) 1,
                (resource, values) -> {},
                new KafkaConfigSchema(Map.of(), Map.of()),
                Map.of());
        controller = new ActiveController(queue, inputs, SESSION_MS, Runnable::run, Runnable::run, id -> true);
        log.commit(
                state,
                List.of(
                        new ApiMessageAndVersion(
                                new FeatureLevelRecord()
                                        .setName(MetadataVersion.FEATURE_NAME)
                                        .setFeatureLevel(MetadataVersion.latestProduction()
                                                .featureLevel()),
                                (short) 0),
                        FreshetVersion.record(FreshetVersion.SUPPORTED.newest())));
        changeLeader();
        heartbeat = join(7);
    }

    /** The heartbeat of a broker that is registered and serves. */
    private BrokerHeartbeat join(int brokerId) {
        var registered = controller.registerBroker(new BrokerSpec(
                brokerId, Uuid.randomUuid(), List.of(new Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9092)), null));
        commit();
        BrokerHeartbeat joined =
                new BrokerHeartbeat(brokerId, registered.join().brokerEpoch(), Long.MAX_VALUE, true, false);
        var unfenced = controller.heartbeat(joined);
        commit();
        assertThat(unfenced.join().isFenced()).isFalse();
        while (log.holdsSomething()) {
            commit();
        }
        return joined;
    }

    @AfterEach
    void close() {
        store.close();
    }

    private void changeLeader() {
        changeLeader(OptionalLong.empty());
    }

    private void changeLeader(OptionalLong leaderHeardAtNs) {
        queue.onLeaderChange(log.leaderAndEpoch());
        controller.upkeep().onLeaderChange(state, leaderHeardAtNs);
    }

    private void commit() {
        log.commit(state);
        queue.onApplied(state.appliedOffset());
    }

    private void stopFor(long ms) {
        nowNs += ms * 1_000_000;
    }

    @Test
    void aHeartbeatAfterAPauseWaitsUntilThisNodeIsSeenToLead() {
        stopFor(60_000);
        CompletableFuture<HeartbeatAnswer> first = controller.heartbeat(heartbeat);
        CompletableFuture<HeartbeatAnswer> second = controller.heartbeat(heartbeat);
        assertThat(first).isNotDone();
        assertThat(second).isNotDone();

        commit();

        assertThat(first.join()).isEqualTo(new HeartbeatAnswer(false, false, false, SESSION_MS));
        assertThat(second.join()).isEqualTo(first.join());
        assertThat(log.holdsSomething()).as("another record for the same doubt").isFalse();
        assertThat(controller.heartbeat(heartbeat)).isDone();
    }

    @Test
    void aControllerThatWasReplacedDuringAPauseProlongsNothing() {
        stopFor(60_000);
        CompletableFuture<HeartbeatAnswer> answer = controller.heartbeat(heartbeat);

        log.lose();
        changeLeader();

        assertThatThrownBy(answer::join)
                .hasCauseInstanceOf(FreshetException.class)
                .satisfies(
                        error -> assertThat(FreshetException.of(error).kind()).isEqualTo(ErrorKind.UNAVAILABLE));
    }

    @Test
    void aControllerThatHasNotLedForATenthOfASessionAsFarAsItKnowsWaitsToo() {
        stopFor(300);
        assertThat(controller.heartbeat(heartbeat)).isDone();
        stopFor(1);
        CompletableFuture<HeartbeatAnswer> answer = controller.heartbeat(heartbeat);
        assertThat(answer).isNotDone();

        commit();

        assertThat(answer).isCompletedWithValue(new HeartbeatAnswer(false, false, false, SESSION_MS));
    }

    @Test
    void aControllerThatWasReplacedSendsNobodyAway() {
        for (int i = 0; i < 3; i++) {
            stopFor(SESSION_MS / 2);
            controller.upkeep().tick(state);
        }
        CompletableFuture<HeartbeatAnswer> answer = controller.heartbeat(heartbeat);
        assertThat(answer).isNotDone();

        log.lose();
        changeLeader();

        assertThat(answer).isCompletedExceptionally();
    }

    @Test
    void whoIsElectedCountsFromWhenItLastHeardALeader() {
        log.lose();
        changeLeader();
        long heardAtNs = nowNs;
        stopFor(1_600);
        log.win();
        changeLeader(OptionalLong.of(heardAtNs));

        stopFor(1_400);
        controller.upkeep().tick(state);
        assertThat(isHeldForDead()).isFalse();
        stopFor(1);
        controller.upkeep().tick(state);
        assertThat(isHeldForDead()).isTrue();
    }

    @Test
    void whoIsElectedAgainCountsFromWhenItLastLed() {
        long heardAtNs = nowNs;
        stopFor(2_000);
        log.lose();
        changeLeader(OptionalLong.of(heardAtNs));
        stopFor(1_600);
        log.win();
        changeLeader(OptionalLong.of(heardAtNs));

        stopFor(1_400);
        controller.upkeep().tick(state);
        assertThat(isHeldForDead()).isFalse();
        stopFor(1);
        controller.upkeep().tick(state);
        assertThat(isHeldForDead()).isTrue();
    }

    @Test
    void whoLivesHasATurnToFindWhoWasElectedLate() {
        log.lose();
        changeLeader();
        long heardAtNs = nowNs;
        stopFor(60_000);
        log.win();
        changeLeader(OptionalLong.of(heardAtNs));

        stopFor(SESSION_MS / 4);
        assertThat(controller.heartbeat(heartbeat)).isNotDone();
        commit();
        stopFor(1);
        controller.upkeep().tick(state);
        assertThat(isHeldForDead()).isFalse();
    }

    /** Whether the end of the broker's session is written down. */
    private boolean isHeldForDead() {
        while (log.holdsSomething()) {
            commit();
        }
        return state.manifests().member(7).orElseThrow().isLapsed();
    }

    @Test
    void aQuorumOfOneNeedsNoProof() {
        log.votesAlone();
        stopFor(1_400);
        assertThat(controller.heartbeat(heartbeat)).isDone();
        assertThat(log.holdsSomething()).isFalse();
    }

    @Test
    void whoeverWaitsForAProofWasHeard() {
        stopFor(1_400);
        CompletableFuture<HeartbeatAnswer> answer = controller.heartbeat(heartbeat);
        for (int i = 0; i < 4; i++) {
            stopFor(700);
            controller.upkeep().tick(state);
        }
        commit();
        assertThat(answer.join().isOver()).isFalse();
        assertThat(log.holdsSomething()).as("an end of its session").isFalse();
    }

    @Test
    void timeThatThisProcessWasStoppedCountsForNobody() {
        stopFor(60_000);
        controller.upkeep().tick(state);
        stopFor(1_400);
        controller.upkeep().tick(state);
        stopFor(1_400);
        controller.upkeep().tick(state);
        assertThat(log.holdsSomething()).as("an end of a session").isFalse();

        stopFor(201);
        controller.upkeep().tick(state);
        commit();
        assertThat(state.manifests().member(7).orElseThrow().isLapsed()).isTrue();
    }
}
