// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.cluster;

import io.freshet.broker.config.FreshetKeys;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.PartitionReassignment;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.ElectionNotNeededException;

/** The brokers of a cluster and what they lead, through an admin client. Not safe for use by several threads. */
public final class ClusterBrokers implements AutoCloseable {
    private static final long ANSWER_S = 30;
    private static final int CONFIG_TIMEOUT_MS = 3_000;
    private static final long LOOK_MS = 100;

    private final Admin admin;

    public ClusterBrokers(Map<String, Object> clientConfig) {
        admin = Admin.create(clientConfig);
    }

    /**
     * A broker, as far as the cluster tells.
     *
     * @param state serving, draining or fenced
     * @param leaders partitions that it leads
     * @param toCome partitions that are being reassigned to it
     * @param toLeave partitions that it leads, and that are being reassigned or drained away
     */
    public record Broker(
            int id, String endpoint, Optional<String> rack, String state, int leaders, int toCome, int toLeave) {}

    /** All brokers that are registered, by id. */
    public List<Broker> list() {
        Collection<Node> nodes = get(admin.describeCluster(new DescribeClusterOptions().includeFencedBrokers(true))
                .nodes());
        Map<TopicPartition, TopicPartitionInfo> partitions = partitions();
        Map<TopicPartition, PartitionReassignment> reassignments =
                get(admin.listPartitionReassignments().reassignments());
        Map<Integer, Broker> brokers = new TreeMap<>();
        for (Node node : nodes) {
            boolean isDrained = !node.isFenced() && isDrained(node.id());
            int leaders = 0;
            int toLeave = 0;
            int toCome = 0;
            for (Map.Entry<TopicPartition, TopicPartitionInfo> entry : partitions.entrySet()) {
                PartitionReassignment moved = reassignments.get(entry.getKey());
                Node leader = entry.getValue().leader();
                boolean leads = leader != null && leader.id() == node.id();
                leaders += leads ? 1 : 0;
                boolean leaves =
                        isDrained || (moved != null && moved.removingReplicas().contains(node.id()));
                toLeave += leads && leaves ? 1 : 0;
                toCome += moved != null && moved.addingReplicas().contains(node.id()) ? 1 : 0;
            }
            String state = node.isFenced() ? "fenced" : isDrained ? "draining" : "serving";
            brokers.put(
                    node.id(),
                    new Broker(
                            node.id(),
                            node.host() + ":" + node.port(),
                            Optional.ofNullable(node.rack()),
                            state,
                            leaders,
                            toCome,
                            toLeave));
        }
        return List.copyOf(brokers.values());
    }

    private Map<TopicPartition, TopicPartitionInfo> partitions() {
        Set<String> topics =
                get(admin.listTopics(new ListTopicsOptions().listInternal(true)).names());
        Map<TopicPartition, TopicPartitionInfo> found = new HashMap<>();
        for (TopicDescription topic :
                get(admin.describeTopics(topics).allTopicNames()).values()) {
            topic.partitions()
                    .forEach(
                            partition -> found.put(new TopicPartition(topic.name(), partition.partition()), partition));
        }
        return found;
    }

    /** What the broker itself says; one that does not answer is not drained as far as anybody knows. */
    private boolean isDrained(int brokerId) {
        ConfigResource broker = resource(brokerId);
        try {
            Config config = admin.describeConfigs(
                            List.of(broker), new DescribeConfigsOptions().timeoutMs(CONFIG_TIMEOUT_MS))
                    .all()
                    .get(ANSWER_S, TimeUnit.SECONDS)
                    .get(broker);
            ConfigEntry entry = config == null ? null : config.get(FreshetKeys.BROKER_DRAINED);
            return entry != null && Boolean.parseBoolean(entry.value());
        } catch (ExecutionException | TimeoutException e) {
            return false;
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static ConfigResource resource(int brokerId) {
        return new ConfigResource(ConfigResource.Type.BROKER, Integer.toString(brokerId));
    }

    /** Says whether the broker is to lead nothing; does not wait for the moves. */
    public void drain(int brokerId, boolean isDrained) {
        AlterConfigOp change = isDrained
                ? new AlterConfigOp(new ConfigEntry(FreshetKeys.BROKER_DRAINED, "true"), AlterConfigOp.OpType.SET)
                : new AlterConfigOp(new ConfigEntry(FreshetKeys.BROKER_DRAINED, ""), AlterConfigOp.OpType.DELETE);
        get(admin.incrementalAlterConfigs(Map.of(resource(brokerId), List.of(change)))
                .all());
    }

    /** Partitions that the broker leads. */
    public int leaders(int brokerId) {
        return (int) partitions().values().stream()
                .filter(partition -> isLedBy(partition, brokerId))
                .count();
    }

    private static boolean isLedBy(TopicPartitionInfo partition, int brokerId) {
        Node leader = partition.leader();
        return leader != null && leader.id() == brokerId;
    }

    /** Asks for the partition to be led by {@code brokerId}, in the place of its leader or among its replicas. */
    public void move(TopicPartition partition, int brokerId) {
        TopicPartitionInfo present = describe(partition);
        if (isLedBy(present, brokerId)) {
            return;
        }
        List<Integer> replicas = new ArrayList<>(List.of(brokerId));
        boolean isReplica = present.replicas().stream().anyMatch(node -> node.id() == brokerId);
        for (Node node : present.replicas()) {
            if (node.id() != brokerId && (isReplica || !isLedBy(present, node.id()))) {
                replicas.add(node.id());
            }
        }
        get(admin.alterPartitionReassignments(Map.of(partition, Optional.of(new NewPartitionReassignment(replicas))))
                .all());
        if (isReplica) {
            elect(partition);
        }
    }

    private void elect(TopicPartition partition) {
        Optional<Throwable> refusal = get(admin.electLeaders(ElectionType.PREFERRED, Set.of(partition))
                        .partitions())
                .getOrDefault(partition, Optional.empty());
        if (refusal.isPresent() && !(refusal.get() instanceof ElectionNotNeededException)) {
            throw FreshetException.of(refusal.get());
        }
    }

    private TopicPartitionInfo describe(TopicPartition partition) {
        return get(admin.describeTopics(List.of(partition.topic())).allTopicNames()).values().stream()
                .flatMap(topic -> topic.partitions().stream())
                .filter(found -> found.partition() == partition.partition())
                .findFirst()
                .orElseThrow(() -> new FreshetException(
                        ErrorKind.INVALID,
                        "Topic " + partition.topic() + " has no partition " + partition.partition()
                                + "; see kafka-topics.sh --describe"));
    }

    /** Whether {@code brokerId} leads the partition. */
    public boolean isLedBy(TopicPartition partition, int brokerId) {
        return isLedBy(describe(partition), brokerId);
    }

    /** Whether {@code condition} came true within {@code timeout}. */
    public static boolean await(Duration timeout, BooleanSupplier condition) {
        long beganNs = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - beganNs > timeout.toNanos()) {
                return false;
            }
            try {
                Thread.sleep(LOOK_MS);
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
        }
        return true;
    }

    private static <T> T get(KafkaFuture<T> future) {
        try {
            return future.get(ANSWER_S, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE, "The cluster refused: " + (cause == null ? e : cause).getMessage(), e);
        } catch (TimeoutException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE, "The cluster did not answer within " + ANSWER_S + " s; is it up?", e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static FreshetException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new FreshetException(ErrorKind.UNAVAILABLE, "Interrupted while waiting for the cluster", e);
    }

    @Override
    public void close() {
        admin.close(Duration.ofSeconds(5));
    }
}
