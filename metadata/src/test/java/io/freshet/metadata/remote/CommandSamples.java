// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.remote;

import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.LiveObject;
import io.freshet.common.stream.ObjectCommit;
import io.freshet.common.stream.RetiredObject;
import io.freshet.common.stream.SegmentCommit;
import io.freshet.common.stream.SegmentReplacement;
import io.freshet.common.stream.SegmentReplacement.NewObject;
import io.freshet.common.stream.StreamSegment;
import io.freshet.common.stream.WalSeal;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.ConfigChange;
import io.freshet.metadata.ClusterController.ControllerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.HeartbeatAnswer;
import io.freshet.metadata.ClusterController.PartitionHandOver;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import io.freshet.metadata.FreshetVersion;
import io.freshet.metadata.ManifestPages;
import io.freshet.metadata.ManifestQuery;
import io.freshet.metadata.ObjectState;
import io.freshet.metadata.balance.BalanceDescription;
import io.freshet.metadata.balance.BalanceDescription.BrokerState;
import io.freshet.metadata.balance.BalanceDescription.UnderWay;
import io.freshet.metadata.balance.BalanceSettings;
import io.freshet.metadata.balance.Load;
import io.freshet.metadata.balance.LoadReport;
import io.freshet.metadata.balance.PartitionLoad;
import io.freshet.metadata.balance.PlannedMove;
import io.freshet.metadata.remote.BrokerCommandTypes.Process;
import io.freshet.metadata.remote.CommandType.Done;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData.ReassignablePartition;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData.ReassignableTopic;
import org.apache.kafka.common.message.AlterPartitionReassignmentsResponseData;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsAssignment;
import org.apache.kafka.common.message.CreatePartitionsRequestData.CreatePartitionsTopic;
import org.apache.kafka.common.message.CreatePartitionsResponseData.CreatePartitionsTopicResult;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableReplicaAssignment;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicConfig;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.common.message.CreateTopicsResponseData.CreatableTopicConfigs;
import org.apache.kafka.common.message.CreateTopicsResponseData.CreatableTopicResult;
import org.apache.kafka.common.message.ElectLeadersRequestData;
import org.apache.kafka.common.message.ElectLeadersResponseData;
import org.apache.kafka.common.message.UpdateFeaturesRequestData;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;

/** Random questions and answers of every command. */
final class CommandSamples {
    private static final String LETTERS = "abc-./_ 0189äß漢\uD83D\uDE00";

    private final Random random;

    CommandSamples(Random random) {
        this.random = random;
    }

    /** One command with something to ask and to answer. */
    record Sample<Q, A>(CommandType<Q, A> type, Q question, A answer) {}

    /** One of each. */
    List<Sample<?, ?>> all() {
        List<Sample<?, ?>> samples = new ArrayList<>();
        samples.addAll(topics());
        samples.addAll(streams());
        samples.addAll(queries());
        samples.addAll(brokersAndWals());
        samples.addAll(members());
        samples.addAll(balance());
        return samples;
    }

    private List<Sample<?, ?>> topics() {
        return List.of(
                new Sample<>(
                        TopicCommandTypes.CREATE_TOPICS,
                        new TopicCommandTypes.CreateTopics(createTopics(), strings()),
                        createdTopics()),
                new Sample<>(TopicCommandTypes.DELETE_TOPICS, list(this::uuid), map(this::uuid, this::error)),
                new Sample<>(
                        TopicCommandTypes.CREATE_PARTITIONS,
                        new TopicCommandTypes.CreatePartitions(list(this::morePartitions), random.nextBoolean()),
                        list(() -> new CreatePartitionsTopicResult()
                                .setName(text())
                                .setErrorCode(error().error().code())
                                .setErrorMessage(text()))),
                new Sample<>(
                        TopicCommandTypes.INCREMENTAL_ALTER_CONFIGS,
                        new TopicCommandTypes.ConfigChanges(
                                map(this::resource, () -> map(this::text, this::change)), random.nextBoolean()),
                        map(this::resource, this::error)),
                new Sample<>(
                        TopicCommandTypes.LEGACY_ALTER_CONFIGS,
                        new TopicCommandTypes.ConfigValues(
                                map(this::resource, () -> map(this::text, this::text)), random.nextBoolean()),
                        map(this::resource, this::error)));
    }

    private List<Sample<?, ?>> streams() {
        return List.of(
                new Sample<>(StreamCommandTypes.RESERVE_OBJECT_IDS, random.nextInt(), ids()),
                new Sample<>(
                        StreamCommandTypes.COMMIT_OBJECT,
                        new ObjectCommit(
                                random.nextLong(),
                                random.nextLong(),
                                random.nextInt(),
                                random.nextLong(),
                                list(() -> new SegmentCommit(segment(), random.nextInt()))),
                        new LinkedHashSet<>(list(random::nextLong))),
                new Sample<>(
                        StreamCommandTypes.REPLACE_SEGMENTS,
                        new SegmentReplacement(
                                random.nextInt(),
                                random.nextLong(),
                                list(() -> new NewObject(random.nextLong(), random.nextLong())),
                                list(this::segment),
                                list(this::segment)),
                        new LinkedHashSet<>(list(random::nextLong))),
                new Sample<>(
                        StreamCommandTypes.TRIM_STREAM,
                        new StreamCommandTypes.Trim(random.nextLong(), random.nextInt(), random.nextLong()),
                        Done.DONE),
                new Sample<>(StreamCommandTypes.FORGET_OBJECTS, list(random::nextLong), Done.DONE),
                new Sample<>(
                        StreamCommandTypes.LEASE_JOB,
                        new StreamCommandTypes.JobLease(text(), random.nextInt(), random.nextLong(), random.nextLong()),
                        random.nextBoolean()));
    }

    private List<Sample<?, ?>> queries() {
        return List.of(
                new Sample<>(
                        QueryTypes.READ_MANIFESTS,
                        new ManifestQuery(
                                random.nextLong(),
                                random.nextBoolean(),
                                list(() -> new ManifestQuery.From(random.nextLong(), random.nextLong())),
                                1 + random.nextInt(1_000),
                                1 + random.nextInt(ManifestQuery.MAX_SEGMENTS)),
                        new ManifestPages(
                                random.nextLong(),
                                list(() -> new ManifestPages.Page(
                                        random.nextLong(), list(this::segment), random.nextBoolean())))),
                new Sample<>(
                        QueryTypes.READ_OBJECTS,
                        new QueryTypes.ObjectsAfter(random.nextLong(), random.nextInt()),
                        list(() -> new LiveObject(random.nextLong(), random.nextLong(), random.nextInt()))),
                new Sample<>(
                        QueryTypes.READ_RETIRED_OBJECTS,
                        random.nextInt(),
                        list(() -> new RetiredObject(random.nextLong(), random.nextLong()))),
                new Sample<>(
                        QueryTypes.READ_OBJECT_STATES,
                        list(random::nextLong),
                        list(() -> ObjectState.values()[random.nextInt(ObjectState.values().length)])));
    }

    private List<Sample<?, ?>> brokersAndWals() {
        return List.of(
                new Sample<>(
                        BrokerCommandTypes.REGISTER_BROKER,
                        new BrokerSpec(
                                random.nextInt(),
                                uuid(),
                                list(() -> new Endpoint(text(), text(), text(), random.nextInt())),
                                random.nextBoolean() ? text() : null,
                                list(this::text),
                                versions()),
                        new RegisteredBroker(random.nextLong(), random.nextLong())),
                new Sample<>(BrokerCommandTypes.ALLOCATE_PRODUCER_IDS, process(), ids()),
                new Sample<>(BrokerCommandTypes.BARRIER, Done.DONE, Done.DONE),
                new Sample<>(WalCommandTypes.OPEN_WAL, process(), Done.DONE),
                new Sample<>(WalCommandTypes.SEAL_WAL, seal(), Done.DONE),
                new Sample<>(
                        WalCommandTypes.TRIM_WAL, new WalCommandTypes.Trim(process(), random.nextLong()), Done.DONE),
                new Sample<>(WalCommandTypes.RETIRE_WAL, process(), Done.DONE),
                new Sample<>(WalCommandTypes.IMPORT_WAL, new WalCommandTypes.Import(process(), seal()), Done.DONE));
    }

    private WalSeal seal() {
        return new WalSeal(
                random.nextInt(), random.nextLong(), random.nextLong(), map(random::nextLong, random::nextLong));
    }

    private List<Sample<?, ?>> members() {
        return List.of(
                new Sample<>(
                        MemberCommandTypes.HEARTBEAT,
                        new BrokerHeartbeat(
                                random.nextInt(),
                                random.nextLong(),
                                random.nextLong(),
                                random.nextBoolean(),
                                random.nextBoolean()),
                        new HeartbeatAnswer(
                                random.nextBoolean(), random.nextBoolean(), random.nextBoolean(), random.nextLong())),
                new Sample<>(
                        MemberCommandTypes.ALTER_PARTITION_REASSIGNMENTS,
                        new AlterPartitionReassignmentsRequestData()
                                .setTimeoutMs(random.nextInt())
                                .setTopics(list(() -> new ReassignableTopic()
                                        .setName(text())
                                        .setPartitions(list(() -> new ReassignablePartition()
                                                .setPartitionIndex(random.nextInt())
                                                .setReplicas(random.nextBoolean() ? null : list(random::nextInt)))))),
                        new AlterPartitionReassignmentsResponseData()
                                .setErrorCode(error().error().code())
                                .setErrorMessage(text())),
                new Sample<>(
                        MemberCommandTypes.ELECT_LEADERS,
                        new ElectLeadersRequestData()
                                .setElectionType((byte) random.nextInt(2))
                                .setTopicPartitions(null)
                                .setTimeoutMs(random.nextInt()),
                        new ElectLeadersResponseData()
                                .setErrorCode(error().error().code())),
                new Sample<>(
                        MemberCommandTypes.HAND_OVER,
                        new MemberCommandTypes.HandOver(
                                process(),
                                list(() -> new PartitionHandOver(
                                        uuid(), random.nextInt(), random.nextInt(), random.nextInt()))),
                        list(random::nextBoolean)),
                new Sample<>(
                        MemberCommandTypes.DRAIN_BROKER,
                        new MemberCommandTypes.Drain(random.nextInt(), random.nextBoolean()),
                        Done.DONE),
                new Sample<>(MemberCommandTypes.UNREGISTER_BROKER, random.nextInt(), Done.DONE),
                new Sample<>(
                        FeatureCommandTypes.UPDATE_FEATURES,
                        new UpdateFeaturesRequestData()
                                .setTimeoutMs(random.nextInt())
                                .setValidateOnly(random.nextBoolean()),
                        error()),
                new Sample<>(
                        FeatureCommandTypes.REGISTER_CONTROLLER,
                        new ControllerSpec(
                                random.nextInt(),
                                uuid(),
                                list(() -> new Endpoint(text(), text(), text(), random.nextInt())),
                                versions()),
                        Done.DONE));
    }

    private FreshetVersion.Range versions() {
        return new FreshetVersion.Range((short) random.nextInt(), (short) random.nextInt());
    }

    private List<Sample<?, ?>> balance() {
        return List.of(
                new Sample<>(
                        BalanceCommandTypes.REPORT_LOADS,
                        new LoadReport(
                                random.nextInt(),
                                random.nextLong(),
                                list(() -> new PartitionLoad(uuid(), random.nextInt(), load())),
                                load()),
                        Done.DONE),
                new Sample<>(
                        BalanceCommandTypes.DESCRIBE_BALANCE,
                        Done.DONE,
                        new BalanceDescription(
                                random.nextInt(),
                                new BalanceSettings(
                                        random.nextBoolean(),
                                        random.nextInt(),
                                        random.nextDouble(),
                                        list(this::text),
                                        list(random::nextInt)),
                                list(() -> new BrokerState(
                                        random.nextInt(),
                                        random.nextBoolean() ? null : text(),
                                        text(),
                                        load(),
                                        random.nextInt())),
                                load(),
                                random.nextDouble(),
                                list(() -> new PlannedMove(
                                        uuid(),
                                        text(),
                                        random.nextInt(),
                                        random.nextInt(),
                                        random.nextInt(),
                                        load(),
                                        text())),
                                random.nextBoolean(),
                                random.nextInt(),
                                random.nextInt(),
                                list(() -> new UnderWay(
                                        uuid(), text(), random.nextInt(), random.nextInt(), random.nextInt())),
                                random.nextInt(),
                                random.nextInt(),
                                list(this::text))));
    }

    private Load load() {
        return new Load(random.nextDouble() * 1e9, random.nextInt(1000), random.nextDouble());
    }

    private CreateTopicsRequestData createTopics() {
        CreateTopicsRequestData request =
                new CreateTopicsRequestData().setTimeoutMs(random.nextInt()).setValidateOnly(random.nextBoolean());
        for (int i = random.nextInt(3); i >= 0; i--) {
            CreatableTopic topic = new CreatableTopic()
                    .setName("topic-" + i)
                    .setNumPartitions(random.nextInt())
                    .setReplicationFactor((short) random.nextInt());
            topic.configs()
                    .add(new CreatableTopicConfig().setName(text()).setValue(random.nextBoolean() ? text() : null));
            topic.assignments()
                    .add(new CreatableReplicaAssignment()
                            .setPartitionIndex(random.nextInt())
                            .setBrokerIds(list(random::nextInt)));
            request.topics().add(topic);
        }
        return request;
    }

    private CreateTopicsResponseData createdTopics() {
        CreateTopicsResponseData answer = new CreateTopicsResponseData().setThrottleTimeMs(random.nextInt());
        for (int i = random.nextInt(3); i >= 0; i--) {
            answer.topics()
                    .add(new CreatableTopicResult()
                            .setName("topic-" + i)
                            .setTopicId(uuid())
                            .setErrorCode(error().error().code())
                            .setErrorMessage(text())
                            .setTopicConfigErrorCode(Errors.TOPIC_AUTHORIZATION_FAILED.code())
                            .setNumPartitions(random.nextInt())
                            .setReplicationFactor((short) random.nextInt())
                            .setConfigs(list(() -> new CreatableTopicConfigs()
                                    .setName(text())
                                    .setValue(random.nextBoolean() ? text() : null)
                                    .setIsSensitive(random.nextBoolean()))));
        }
        return answer;
    }

    private CreatePartitionsTopic morePartitions() {
        return new CreatePartitionsTopic()
                .setName(text())
                .setCount(random.nextInt())
                .setAssignments(
                        random.nextBoolean()
                                ? null
                                : list(() -> new CreatePartitionsAssignment().setBrokerIds(list(random::nextInt))));
    }

    private ConfigChange change() {
        OpType operation = OpType.values()[random.nextInt(OpType.values().length)];
        return new ConfigChange(operation, operation == OpType.DELETE ? null : text());
    }

    private ConfigResource resource() {
        ConfigResource.Type[] types = ConfigResource.Type.values();
        return new ConfigResource(types[random.nextInt(types.length)], text());
    }

    private ApiError error() {
        Errors[] errors = Errors.values();
        return new ApiError(errors[random.nextInt(errors.length)], random.nextBoolean() ? text() : null);
    }

    private Process process() {
        return new Process(random.nextInt(), random.nextLong());
    }

    private IdRange ids() {
        long first = random.nextLong(Long.MAX_VALUE / 2);
        return new IdRange(first, first + 1 + random.nextInt(1_000_000));
    }

    private StreamSegment segment() {
        long start = random.nextLong(1L << 60);
        return new StreamSegment(
                random.nextLong(),
                start,
                start + 1 + random.nextInt(1000),
                random.nextLong(),
                random.nextLong(1L << 60),
                random.nextLong(),
                random.nextLong());
    }

    private Uuid uuid() {
        return new Uuid(random.nextLong(), random.nextLong());
    }

    private String text() {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            int[] letters = LETTERS.codePoints().toArray();
            text.appendCodePoint(letters[random.nextInt(letters.length)]);
        }
        return text.toString();
    }

    private Set<String> strings() {
        return new LinkedHashSet<>(list(this::text));
    }

    private <T> List<T> list(Supplier<T> element) {
        List<T> values = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            values.add(element.get());
        }
        return values;
    }

    private <K, V> Map<K, V> map(Supplier<K> key, Supplier<V> value) {
        Map<K, V> values = new LinkedHashMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            values.put(key.get(), value.get());
        }
        return values;
    }
}
