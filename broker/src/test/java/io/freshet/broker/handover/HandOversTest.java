// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.broker.fake.ManualScheduler;
import io.freshet.broker.fake.ScriptedStream;
import io.freshet.broker.partition.MovingPartitions;
import io.freshet.broker.partition.Ownership;
import io.freshet.broker.partition.Partition;
import io.freshet.broker.partition.PartitionFixture;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.ClusterController.PartitionHandOver;
import io.freshet.metadata.MoveWish;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.NotLeaderOrFollowerException;
import org.apache.kafka.common.metadata.BrokerRegistrationChangeRecord;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.common.metadata.PartitionChangeRecord;
import org.apache.kafka.common.metadata.PartitionRecord;
import org.apache.kafka.common.metadata.RegisterBrokerRecord;
import org.apache.kafka.common.metadata.RemoveTopicRecord;
import org.apache.kafka.common.metadata.TopicRecord;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.MetadataProvenance;
import org.apache.kafka.server.common.MetadataVersion;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HandOversTest {
    private static final int SELF = 5;
    private static final int TARGET = 6;
    private static final int EPOCH = 3;
    private static final Uuid TOPIC = PartitionFixture.ID.topicId();

    private final ScriptedStream stream = new ScriptedStream(EPOCH);
    private final Partition partition = new PartitionFixture().open(stream);
    private final ManualScheduler scheduler = new ManualScheduler();
    private final Deque<CompletableFuture<Void>> uploads = new ArrayDeque<>();
    private final Deque<Command> commands = new ArrayDeque<>();
    private final List<Boolean> moving = new ArrayList<>();
    private List<MoveWish> wishes = List.of();
    private long wishesVersion;
    private long nowNs;
    private MetadataImage image = MetadataImage.EMPTY;
    private boolean isOpen = true;
    private final HandOvers handOvers = new HandOvers(parts());

    private record Command(List<PartitionHandOver> asked, CompletableFuture<List<Boolean>> answer) {}

    HandOversTest() {
        replay(
                new FeatureLevelRecord()
                        .setName(MetadataVersion.FEATURE_NAME)
                        .setFeatureLevel(MetadataVersion.LATEST_PRODUCTION.featureLevel()),
                new RegisterBrokerRecord().setBrokerId(SELF).setBrokerEpoch(1).setFenced(false),
                new RegisterBrokerRecord().setBrokerId(TARGET).setBrokerEpoch(2).setFenced(false),
                new TopicRecord().setName("t").setTopicId(TOPIC),
                new PartitionRecord()
                        .setTopicId(TOPIC)
                        .setPartitionId(0)
                        .setReplicas(List.of(SELF))
                        .setIsr(List.of(SELF))
                        .setLeader(SELF)
                        .setLeaderEpoch(EPOCH));
    }

    private HandOverParts parts() {
        MovingPartitions all = new MovingPartitions();
        all.addListener(moving::add);
        return new HandOverParts(
                new Ownership(SELF, 1),
                () -> wishes,
                () -> wishesVersion,
                () -> image,
                id -> isOpen && id.equals(new TopicPartition("t", 0)) ? Optional.of(partition) : Optional.empty(),
                () -> {
                    CompletableFuture<Void> upload = new CompletableFuture<>();
                    uploads.add(upload);
                    return upload;
                },
                asked -> {
                    Command command = new Command(asked, new CompletableFuture<>());
                    commands.add(command);
                    return command.answer;
                },
                all,
                new Clock() {
                    @Override
                    public long wallMs() {
                        return PartitionFixture.NOW_MS;
                    }

                    @Override
                    public long nanoTime() {
                        return nowNs;
                    }
                },
                scheduler,
                Runnable::run,
                new SimpleMeterRegistry());
    }

    private void replay(ApiMessage... records) {
        MetadataDelta delta = new MetadataDelta.Builder().setImage(image).build();
        for (ApiMessage record : records) {
            delta.replay(record);
        }
        image = delta.apply(new MetadataProvenance(image.offset() + 1, 1, 0, true));
    }

    @AfterEach
    void nobodyIsKeptWaiting() {
        handOvers.close();
        assertThat(moving.get(moving.size() - 1)).as("requests wait").isFalse();
    }

    private void wish() {
        wishes = List.of(new MoveWish(TOPIC, 0, TARGET));
        wishesVersion++;
        tell();
    }

    private void tell() {
        handOvers.onChange(new MetadataDelta.Builder().setImage(image).build(), image);
    }

    private void advance(long ms) {
        for (long passed = 0; passed < ms; passed += 10) {
            nowNs += 10_000_000;
            scheduler.advance(10);
        }
    }

    private CompletableFuture<Long> append() {
        return PartitionFixture.append(partition, PartitionFixture.plain(1)).durable();
    }

    private void uploaded() {
        stream.uploaded();
        uploads.remove().complete(null);
    }

    /** The partition is led elsewhere under the next epoch. */
    private void movedInImage(int leader) {
        replay(new PartitionChangeRecord()
                .setTopicId(TOPIC)
                .setPartitionId(0)
                .setReplicas(List.of(leader))
                .setIsr(List.of(leader))
                .setLeader(leader));
    }

    private void requireRefused() {
        assertThatThrownBy(this::append).isInstanceOf(NotLeaderOrFollowerException.class);
        assertThat(stream.waiting()).isZero();
    }

    private void requireServing() {
        CompletableFuture<Long> durable = append();
        stream.durable(1);
        assertThat(durable).isCompleted();
    }

    /** Up to the command, which is sent for a partition with nothing left to upload. */
    private Command command() {
        wish();
        assertThat(commands).hasSize(1);
        return commands.remove();
    }

    @Test
    void uploadsWhileAppendsGoOnThenStopsAndUploadsTheRest() {
        append();
        wish();
        CompletableFuture<Long> during = append();
        stream.durable(1);
        uploaded();
        assertThat(partition.isParked()).isTrue();
        assertThat(moving).endsWith(true);
        assertThatThrownBy(this::append).isInstanceOf(NotLeaderOrFollowerException.class);
        assertThat(commands).isEmpty();
        stream.durable(1);
        assertThat(during).as("what was taken before the stop is acknowledged").isCompleted();
        uploaded();
        Command command = commands.remove();
        assertThat(command.asked).containsExactly(new PartitionHandOver(TOPIC, 0, EPOCH, TARGET));
        requireRefused();
        movedInImage(TARGET);
        command.answer.complete(List.of(true));
        requireRefused();
        assertThat(partition.isParked()).as("requests wait for it").isFalse();
    }

    @Test
    void whatIsNotAcknowledgedIsNotGivenAway() {
        append();
        wish();
        uploads.remove().complete(null);
        uploads.remove().complete(null); // a round that could not take the stream
        advance(100);
        assertThat(uploads).hasSize(1);
        assertThat(commands).isEmpty();
        stream.durable(1);
        uploaded();
        assertThat(commands.remove().answer.complete(List.of(true))).isTrue();
    }

    @Test
    void aWishThatIsDroppedLeavesThePartition() {
        append();
        stream.durable(1);
        wish();
        wishes = List.of();
        uploaded();
        assertThat(commands).isEmpty();
        requireServing();
    }

    @Test
    void aTargetThatIsFencedMeanwhileGetsNothing() {
        append();
        stream.durable(1);
        wish();
        replay(new BrokerRegistrationChangeRecord()
                .setBrokerId(TARGET)
                .setBrokerEpoch(2)
                .setFenced((byte) 1));
        uploaded();
        assertThat(commands).isEmpty();
        requireServing();
        replay(new BrokerRegistrationChangeRecord()
                .setBrokerId(TARGET)
                .setBrokerEpoch(2)
                .setFenced((byte) -1));
        stream.uploaded();
        advance(2_000);
        assertThat(commands.remove().answer.complete(List.of(true))).isTrue();
    }

    @Test
    void aLeaderEpochThatIsOverIsNotNamed() {
        append();
        stream.durable(1);
        wish();
        movedInImage(SELF);
        uploaded();
        assertThat(commands).isEmpty();
    }

    @Test
    void aTopicThatIsDeletedInTheMiddleEndsTheRound() {
        append();
        stream.durable(1);
        wish();
        replay(new RemoveTopicRecord().setTopicId(TOPIC));
        isOpen = false;
        partition.close(true);
        uploaded();
        advance(3_000);
        assertThat(commands).isEmpty();
    }

    @Test
    void aStreamWhoseWalFailsIsNotGivenAway() {
        append();
        wish();
        uploads.remove().complete(null);
        stream.fail();
        stream.uploaded();
        uploads.remove().complete(null);
        advance(1_500);
        assertThat(commands).isEmpty();
    }

    @Test
    void whatTheControllerRefusesGoesOn() {
        command().answer.complete(List.of(false));
        requireServing();
    }

    @Test
    void aCommandThatWasCertainlyNotDoneIsRepeatedLater() {
        command().answer.completeExceptionally(new FreshetException(ErrorKind.UNAVAILABLE, "no leader"));
        requireServing();
        stream.uploaded();
        advance(400);
        assertThat(commands).as("before the pause is over").isEmpty();
        advance(400);
        assertThat(commands.remove().answer.complete(List.of(true))).isTrue();
    }

    @Test
    void afterAnUnknownOutcomeThePartitionIsTakenAnewBeforeAnythingIsAcknowledged() {
        command().answer.completeExceptionally(new FreshetException(ErrorKind.INDETERMINATE, "the answer was lost"));
        requireRefused();
        Command back = commands.remove();
        assertThat(back.asked).containsExactly(new PartitionHandOver(TOPIC, 0, EPOCH, SELF));
        back.answer.completeExceptionally(new FreshetException(ErrorKind.INDETERMINATE, "lost again"));
        requireRefused();
        advance(100);
        Command again = commands.remove();
        assertThat(again.asked).isEqualTo(back.asked);
        movedInImage(SELF);
        again.answer.complete(List.of(true));
        advance(100);
        requireRefused(); // this opening is over: the metadata's listener opens it under the new epoch
        assertThat(commands).isEmpty();
    }

    @Test
    void anUnknownOutcomeThatTurnsOutAsDoneIsDone() {
        Command command = command();
        movedInImage(TARGET);
        command.answer.completeExceptionally(new FreshetException(ErrorKind.INDETERMINATE, "the answer was lost"));
        assertThat(commands).isEmpty();
        requireRefused();
    }

    @Test
    void aCommandWithoutAnAnswerCountsAsLost() {
        Command command = command();
        advance(HandOverRound.PARK_MS + 10);
        assertThat(partition.isParked()).as("requests are kept for longer").isFalse();
        requireRefused();
        advance(HandOverRound.COMMAND_MS);
        Command back = commands.remove();
        assertThat(back.asked).containsExactly(new PartitionHandOver(TOPIC, 0, EPOCH, SELF));
        command.answer.complete(List.of(false)); // too late to be believed
        requireRefused();
        movedInImage(TARGET);
        back.answer.complete(List.of(false));
        advance(100);
        assertThat(commands).isEmpty();
        requireRefused();
    }

    @Test
    void aBrokerThatIsFencedAcknowledgesNothingMore() {
        command().answer.completeExceptionally(new FreshetException(ErrorKind.FENCED, "the session is over"));
        requireRefused();
        advance(5_000);
        requireRefused();
    }

    @Test
    void aSlowStoreKeepsAppendsWaitingForABoundedTimeOnly() {
        append();
        wish();
        append();
        stream.durable(1);
        uploaded();
        assertThat(partition.isParked()).isTrue();
        advance(HandOverRound.PARK_MS + 20);
        assertThat(commands).isEmpty();
        stream.durable(1);
        requireServing();
        uploads.clear();
        advance(1_000);
        assertThat(uploads).as("a new round").hasSize(1);
        uploaded();
        assertThat(commands.remove().answer.complete(List.of(true))).isTrue();
    }

    @Test
    void anUploadThatFailsLeavesThePartition() {
        append();
        stream.durable(1);
        wish();
        uploads.remove().completeExceptionally(new FreshetException(ErrorKind.UNAVAILABLE, "no store"));
        assertThat(commands).isEmpty();
        requireServing();
    }
}
