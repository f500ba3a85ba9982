// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.produce;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.broker.fake.FakeRequest;
import io.freshet.broker.fake.ManualScheduler;
import io.freshet.broker.fake.ScriptedStream;
import io.freshet.broker.partition.Partition;
import io.freshet.broker.partition.PartitionFixture;
import io.freshet.broker.partition.PartitionLookup;
import io.freshet.common.runtime.Clock;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceRequestData.PartitionProduceData;
import org.apache.kafka.common.message.ProduceRequestData.TopicProduceData;
import org.apache.kafka.common.message.ProduceResponseData.PartitionProduceResponse;
import org.apache.kafka.common.metadata.PartitionRecord;
import org.apache.kafka.common.metadata.TopicRecord;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.requests.ProduceResponse;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.MetadataImage;
import org.apache.kafka.image.MetadataProvenance;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProduceHandlerTest {
    private final PartitionFixture fixture = new PartitionFixture();
    private final ScriptedStream stream = new ScriptedStream(3);
    private final Partition partition = fixture.open(stream);
    private final ManualScheduler scheduler = new ManualScheduler();
    private final List<FakeRequest> asked = new ArrayList<>();
    private long nowNanos;
    private boolean mayServe = true;
    private final ProduceHandler handler = new ProduceHandler(
            new PartitionLookup(
                    id -> id.equals(new TopicPartition("t", 0)) ? Optional.of(partition) : Optional.empty(),
                    ProduceHandlerTest::image,
                    () -> mayServe),
            new Clock() {
                @Override
                public long wallMs() {
                    return PartitionFixture.NOW_MS;
                }

                @Override
                public long nanoTime() {
                    return nowNanos;
                }
            },
            scheduler,
            new SimpleMeterRegistry());

    private static MetadataImage image() {
        MetadataDelta delta =
                new MetadataDelta.Builder().setImage(MetadataImage.EMPTY).build();
        delta.replay(new TopicRecord().setName("t").setTopicId(PartitionFixture.ID.topicId()));
        for (int i = 0; i < 2; i++) {
            delta.replay(new PartitionRecord()
                    .setTopicId(PartitionFixture.ID.topicId())
                    .setPartitionId(i)
                    .setReplicas(List.of(5))
                    .setIsr(List.of(5))
                    .setLeader(5)
                    .setLeaderEpoch(3));
        }
        return delta.apply(new MetadataProvenance(1, 1, 0, true));
    }

    @AfterEach
    void allReferencesAreBack() {
        for (FakeRequest request : asked) {
            assertThat(request.references()).as("references").isZero();
            assertThat(request.ends()).as("answers").hasSize(1);
        }
    }

    @Test
    void acksAllAndOneWaitForDurability() {
        for (int acks : new int[] {-1, 1}) {
            FakeRequest request = send(acks, 9, part(0, PartitionFixture.plain(2)));
            assertThat(request.ends()).isEmpty();
            stream.durable(1);
            assertThat(answered(request).get(0).errorCode()).isZero();
            assertThat(answered(request).get(0).baseOffset()).isEqualTo(acks == -1 ? 0 : 2);
            assertThat(answered(request).get(0).logStartOffset()).isZero();
        }
    }

    @Test
    void nothingIsAcknowledgedAfterTheLease() {
        FakeRequest before = send(-1, 9, part(0, PartitionFixture.plain(2)));
        mayServe = false;
        stream.durable(1);
        assertThat(answered(before).get(0).errorCode()).isEqualTo(Errors.NOT_LEADER_OR_FOLLOWER.code());
        FakeRequest after = send(-1, 9, part(0, PartitionFixture.plain(2)));
        assertThat(answered(after).get(0).errorCode()).isEqualTo(Errors.NOT_LEADER_OR_FOLLOWER.code());
        assertThat(stream.waiting()).isZero();
        mayServe = true;
        FakeRequest again = send(-1, 9, part(0, PartitionFixture.plain(2)));
        stream.durable(1);
        assertThat(answered(again).get(0).errorCode()).isZero();
    }

    @Test
    void acksZeroIsSilentUnlessItFails() {
        FakeRequest good = send(0, 9, part(0, PartitionFixture.plain(1)));
        assertThat(good.ends()).containsExactly(FakeRequest.NOTHING);
        assertThat(stream.waiting()).isEqualTo(1);
        FakeRequest bad = send(0, 9, part(7, PartitionFixture.plain(1)));
        assertThat(bad.disconnected()).isCompleted();
    }

    @Test
    void oneRequestMayFailInPart() {
        FakeRequest request = send(
                -1,
                12,
                part(0, PartitionFixture.plain(1)),
                part(1, PartitionFixture.plain(1)),
                part(9, PartitionFixture.plain(1)),
                part(0, MemoryRecords.EMPTY));
        assertThat(request.ends()).isEmpty();
        stream.durable(1);
        assertThat(codes(request))
                .containsExactly(
                        Errors.NONE,
                        Errors.NOT_LEADER_OR_FOLLOWER,
                        Errors.UNKNOWN_TOPIC_OR_PARTITION,
                        Errors.INVALID_RECORD);
        assertThat(answered(request).get(1).currentLeader().leaderId()).isEqualTo(5);
        assertThat(answered(request).get(1).currentLeader().leaderEpoch()).isEqualTo(3);
        assertThat(answered(request).get(2).currentLeader().leaderId()).isEqualTo(-1);
    }

    @Test
    void badRequestsHaveKafkasCodes() {
        assertThat(codes(send(2, 9, part(0, PartitionFixture.plain(1))))).containsExactly(Errors.INVALID_REQUIRED_ACKS);
        assertThat(codes(send(-1, 9, part(0, null)))).containsExactly(Errors.INVALID_RECORD);
        MemoryRecords corrupt = PartitionFixture.plain(1);
        corrupt.buffer().putInt(17, 1);
        assertThat(codes(send(-1, 9, part(0, corrupt)))).containsExactly(Errors.CORRUPT_MESSAGE);
        MemoryRecords transactional = MemoryRecords.withTransactionalRecords(
                Compression.NONE, 9, (short) 0, 0, new SimpleRecord(PartitionFixture.NOW_MS, new byte[1]));
        assertThat(codes(send(-1, 9, part(0, transactional))))
                .containsExactly(Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
        assertThat(codes(send(-1, 13, part(0, PartitionFixture.plain(1))))).containsExactly(Errors.UNKNOWN_TOPIC_ID);
        fixture.topicConfig.put("cleanup.policy", "compact");
        FakeRequest noKey = send(
                -1,
                9,
                part(
                        0,
                        MemoryRecords.withRecords(
                                Compression.NONE,
                                new SimpleRecord(PartitionFixture.NOW_MS, new byte[1], new byte[1]),
                                new SimpleRecord(PartitionFixture.NOW_MS, new byte[1]))));
        assertThat(codes(noKey)).containsExactly(Errors.INVALID_RECORD);
        assertThat(answered(noKey).get(0).recordErrors().get(0).batchIndex()).isEqualTo(1);
        assertThat(answered(noKey).get(0).logStartOffset()).isZero();
        fixture.topicConfig.put("max.message.bytes", "70");
        assertThat(codes(send(-1, 9, part(0, PartitionFixture.plain(3))))).containsExactly(Errors.MESSAGE_TOO_LARGE);
        assertThat(partition.logEndOffset()).isZero();
    }

    @Test
    void whatIsNotDurableInTimeIsAnsweredOnce() {
        FakeRequest request = send(-1, 9, part(0, PartitionFixture.plain(1)));
        nowNanos = 999_000_000;
        scheduler.advance(1000);
        assertThat(request.ends()).isEmpty();
        nowNanos = 1_000_000_000;
        scheduler.advance(1000);
        assertThat(codes(request)).containsExactly(Errors.REQUEST_TIMED_OUT);
        stream.durable(1);
        assertThat(partition.highWatermark()).isEqualTo(1);
    }

    @Test
    void requestsWaitInOrderWhileTheirPartitionMayLeave() {
        handler.moving(true);
        partition.park();
        FakeRequest first = send(-1, 12, part(0, PartitionFixture.plain(1)));
        FakeRequest second = send(-1, 12, part(0, PartitionFixture.plain(2)));
        scheduler.advance(100);
        assertThat(first.ends()).isEmpty();
        assertThat(stream.waiting()).isZero();
        partition.unpark();
        handler.moving(false);
        scheduler.advance(0);
        stream.durable(2);
        assertThat(answered(first).get(0).baseOffset()).isZero();
        assertThat(answered(second).get(0).baseOffset()).isEqualTo(1);
    }

    @Test
    void requestsThatWaitedForAPartitionThatLeftNameItsNewLeader() {
        handler.moving(true);
        partition.park();
        FakeRequest waiting = send(-1, 12, part(0, PartitionFixture.plain(1)));
        partition.refuseParked();
        handler.moving(false);
        scheduler.advance(0);
        assertThat(codes(waiting)).containsExactly(Errors.NOT_LEADER_OR_FOLLOWER);
        assertThat(answered(waiting).get(0).currentLeader().leaderId()).isEqualTo(5);
        assertThat(stream.waiting()).isZero();
    }

    @Test
    void requestsWaitForAPartitionThatComes() {
        Set<TopicPartition> arriving = new HashSet<>(Set.of(new TopicPartition("t", 0)));
        ProduceHandler coming = new ProduceHandler(
                new PartitionLookup(
                        id -> arriving.contains(id) ? Optional.empty() : Optional.of(partition),
                        ProduceHandlerTest::image,
                        () -> true,
                        arriving::contains),
                fixture.clock,
                scheduler,
                new SimpleMeterRegistry());
        coming.moving(true);
        FakeRequest request = request(-1, 12, part(0, PartitionFixture.plain(1)));
        coming.handle(request);
        assertThat(request.ends()).isEmpty();
        arriving.clear();
        coming.moving(false);
        scheduler.advance(0);
        stream.durable(1);
        assertThat(codes(request)).containsExactly(Errors.NONE);
    }

    @Test
    void aFailedWalIsToldAsRetriable() {
        FakeRequest request = send(-1, 9, part(0, PartitionFixture.plain(1)));
        stream.fail();
        assertThat(codes(request))
                .allSatisfy(code -> assertThat(code.exception())
                        .isInstanceOf(org.apache.kafka.common.errors.RetriableException.class));
    }

    private static PartitionProduceData part(int index, @Nullable MemoryRecords records) {
        return new PartitionProduceData().setIndex(index).setRecords(records);
    }

    private static List<PartitionProduceResponse> answered(FakeRequest request) {
        return request.answer(ProduceResponse.class)
                .data()
                .responses()
                .iterator()
                .next()
                .partitionResponses();
    }

    private static List<Errors> codes(FakeRequest request) {
        return answered(request).stream()
                .map(part -> Errors.forCode(part.errorCode()))
                .toList();
    }

    private FakeRequest send(int acks, int version, PartitionProduceData... parts) {
        FakeRequest request = request(acks, version, parts);
        handler.handle(request);
        return request;
    }

    private FakeRequest request(int acks, int version, PartitionProduceData... parts) {
        ProduceRequestData data = new ProduceRequestData().setAcks((short) acks).setTimeoutMs(1000);
        data.topicData()
                .add(new TopicProduceData()
                        .setName("t")
                        .setTopicId(new Uuid(9, 9))
                        .setPartitionData(List.of(parts)));
        FakeRequest request = new FakeRequest(new ProduceRequest(data, (short) version));
        asked.add(request);
        return request;
    }
}
