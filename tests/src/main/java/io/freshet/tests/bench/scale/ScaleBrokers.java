// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench.scale;

import io.freshet.common.runtime.Threads;
import io.freshet.metadata.ClusterController;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.ClusterController.RegisteredBroker;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicConfig;
import org.apache.kafka.common.message.CreateTopicsResponseData;
import org.apache.kafka.image.TopicImage;
import org.apache.kafka.metadata.PartitionRegistration;

/** The registrations of brokers that do not exist: they only send heartbeats and know which streams they would serve. */
final class ScaleBrokers implements AutoCloseable {
    static final int BROKERS = 20;
    private static final int RACKS = 3;
    private static final int PARTITIONS_PER_TOPIC = 100;
    private static final int TOPICS_PER_REQUEST = 10;
    private static final long HEARTBEAT_MS = 500;

    private final ClusterController controller;
    private final ScaleVoter voter;
    private final long[] brokerEpochs = new long[BROKERS + 1];
    private final Threads.SchedulerThread heartbeats = Threads.scheduler("scale-heartbeats");
    private volatile int silent = -1;

    private ScaleBrokers(ScaleVoter voter) {
        this.voter = voter;
        this.controller = voter.node.controller();
    }

    /** Registers all of them and begins to send heartbeats. */
    static ScaleBrokers register(ScaleVoter voter) {
        ScaleBrokers brokers = new ScaleBrokers(voter);
        for (int id = 1; id <= BROKERS; id++) {
            List<Endpoint> endpoints =
                    List.of(new Endpoint("PLAINTEXT", "PLAINTEXT", "broker-" + id + ".example.org", 9092));
            RegisteredBroker registered = ScaleVoter.get(brokers.controller.registerBroker(
                    new BrokerSpec(id, Uuid.randomUuid(), endpoints, "zone-" + id % RACKS, List.of("s3"))));
            brokers.brokerEpochs[id] = registered.brokerEpoch();
            ScaleVoter.get(brokers.heartbeat(id));
        }
        brokers.heartbeats.scheduleRepeatedly(HEARTBEAT_MS, brokers::sendHeartbeats);
        return brokers;
    }

    /** Goes on for brokers that an earlier process has registered. */
    static ScaleBrokers adopt(ScaleVoter voter) {
        ScaleBrokers brokers = new ScaleBrokers(voter);
        for (int id = 1; id <= BROKERS; id++) {
            brokers.brokerEpochs[id] = java.util.Objects.requireNonNull(
                            voter.node.image().cluster().broker(id))
                    .epoch();
        }
        brokers.heartbeats.scheduleRepeatedly(HEARTBEAT_MS, brokers::sendHeartbeats);
        return brokers;
    }

    private void sendHeartbeats() {
        for (int id = 1; id <= BROKERS; id++) {
            if (id != silent) {
                heartbeat(id);
            }
        }
    }

    private java.util.concurrent.CompletableFuture<?> heartbeat(int id) {
        return controller.heartbeat(new BrokerHeartbeat(id, brokerEpochs[id], Long.MAX_VALUE, true, false));
    }

    long brokerEpoch(int id) {
        return brokerEpochs[id];
    }

    /** From now on nothing is heard of this broker. */
    void silence(int id) {
        silent = id;
    }

    /** Makes topics of 100 partitions each, with three replicas and a retention of their own. */
    void createTopics(int partitions) {
        int topics = partitions / PARTITIONS_PER_TOPIC;
        for (int first = 0; first < topics; first += TOPICS_PER_REQUEST) {
            CreateTopicsRequestData request = new CreateTopicsRequestData();
            for (int i = first; i < Math.min(topics, first + TOPICS_PER_REQUEST); i++) {
                CreatableTopic topic = new CreatableTopic()
                        .setName("team-" + i % 50 + ".orders.events-" + i)
                        .setNumPartitions(PARTITIONS_PER_TOPIC)
                        .setReplicationFactor((short) 3);
                topic.configs()
                        .add(new CreatableTopicConfig().setName("retention.ms").setValue("604800000"));
                request.topics().add(topic);
            }
            CreateTopicsResponseData made = ScaleVoter.get(controller.createTopics(request, Set.of()));
            made.topics().forEach(topic -> {
                if (topic.errorCode() != 0) {
                    throw new IllegalStateException(topic.toString());
                }
            });
        }
    }

    /** The streams that each broker leads, in an order drawn from {@code seed}; index 0 is empty. */
    List<List<Led>> ledStreams(long seed) {
        List<List<Led>> led = new ArrayList<>();
        for (int id = 0; id <= BROKERS; id++) {
            led.add(new ArrayList<>());
        }
        TreeMap<String, TopicImage> topics =
                new TreeMap<>(voter.node.image().topics().topicsByName());
        for (TopicImage topic : topics.values()) {
            new TreeMap<>(topic.partitions())
                    .forEach((index, partition) -> led.get(partition.leader).add(led(topic.id(), index, partition)));
        }
        Random random = new Random(seed);
        led.forEach(streams -> java.util.Collections.shuffle(streams, random));
        return led;
    }

    private Led led(Uuid topicId, int index, PartitionRegistration partition) {
        long streamId = voter.node.manifests().streamId(topicId, index).orElseThrow();
        long end = voter.node.manifests().stream(streamId).orElseThrow().endOffset();
        return new Led(streamId, partition.leaderEpoch, end);
    }

    /** A stream with its leader epoch and where its next segment begins. */
    static final class Led {
        final long streamId;
        final int leaderEpoch;
        long endOffset;

        Led(long streamId, int leaderEpoch, long endOffset) {
            this.streamId = streamId;
            this.leaderEpoch = leaderEpoch;
            this.endOffset = endOffset;
        }
    }

    @Override
    public void close() {
        heartbeats.close();
    }
}
