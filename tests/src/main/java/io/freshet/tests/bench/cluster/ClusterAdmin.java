// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench.cluster;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.errors.ElectionNotNeededException;

/** What an operator does to a cluster and asks of it. Used by one thread. */
final class ClusterAdmin implements AutoCloseable {
    private static final long TIMEOUT_NANOS = TimeUnit.MINUTES.toNanos(30);
    private static final long PAUSE_MS = 10;

    private final Admin admin;

    ClusterAdmin(String bootstrap) {
        this.admin = Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    /** A topic whose partitions have these replicas, the leader first. */
    void create(String topic, List<List<Integer>> replicas, Map<String, String> settings)
            throws InterruptedException, ExecutionException {
        Map<Integer, List<Integer>> assignment = IntStream.range(0, replicas.size())
                .boxed()
                .collect(Collectors.toMap(partition -> partition, replicas::get));
        admin.createTopics(List.of(new NewTopic(topic, assignment).configs(settings)))
                .all()
                .get();
    }

    /** Waits until the cluster has that many brokers. */
    void awaitBrokers(int count) throws InterruptedException {
        await("there are " + count + " brokers", () -> brokers().size() == count);
    }

    private Set<Integer> brokers() throws InterruptedException, ExecutionException {
        return admin.describeCluster().nodes().get().stream().map(Node::id).collect(Collectors.toSet());
    }

    /** A broker that does not lead the quorum. */
    int otherThanController() throws InterruptedException, ExecutionException {
        int leader = admin.describeMetadataQuorum().quorumInfo().get().leaderId();
        return leader % Nodes.VOTERS + 1;
    }

    /** Gives these partitions to one broker alone, and waits until it leads them all and nothing is under way. */
    void moveTo(String topic, List<Integer> partitions, int broker) throws InterruptedException, ExecutionException {
        Map<TopicPartition, Optional<NewPartitionReassignment>> wishes = new HashMap<>();
        for (int partition : partitions) {
            wishes.put(
                    new TopicPartition(topic, partition), Optional.of(new NewPartitionReassignment(List.of(broker))));
        }
        admin.alterPartitionReassignments(wishes).all().get();
        await("broker " + broker + " leads what was moved", () -> {
            List<TopicPartitionInfo> all = describe(topic).partitions();
            return partitions.stream().allMatch(partition -> isLedBy(all.get(partition), broker))
                    && admin.listPartitionReassignments().reassignments().get().isEmpty();
        });
    }

    private static boolean isLedBy(TopicPartitionInfo partition, int broker) {
        return partition.leader() != null && partition.leader().id() == broker;
    }

    /** Waits until all replicas of a topic are in sync and each partition is led by its first replica, which is asked for. */
    void awaitPreferred(String topic) throws InterruptedException {
        await(topic + " is whole and led as it was", () -> {
            List<TopicPartitionInfo> all = describe(topic).partitions();
            if (all.stream()
                    .anyMatch(each -> each.isr().size() < each.replicas().size())) {
                return false;
            }
            if (all.stream()
                    .allMatch(each -> isLedBy(each, each.replicas().get(0).id()))) {
                return true;
            }
            elect(topic, all);
            return false;
        });
    }

    private void elect(String topic, List<TopicPartitionInfo> partitions)
            throws InterruptedException, ExecutionException {
        try {
            admin.electLeaders(
                            ElectionType.PREFERRED,
                            partitions.stream()
                                    .map(each -> new TopicPartition(topic, each.partition()))
                                    .collect(Collectors.toSet()))
                    .all()
                    .get();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof ElectionNotNeededException)) {
                throw e;
            }
        }
    }

    private TopicDescription describe(String topic) throws InterruptedException, ExecutionException {
        return Objects.requireNonNull(
                admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic), topic);
    }

    private interface Question {
        boolean holds() throws InterruptedException, ExecutionException;
    }

    /** Asks again until it holds; requests that fail count as no. */
    private static void await(String what, Question question) throws InterruptedException {
        long deadlineNanos = System.nanoTime() + TIMEOUT_NANOS;
        while (true) {
            Exception failure = null;
            try {
                if (question.holds()) {
                    return;
                }
            } catch (ExecutionException e) {
                failure = e;
            }
            if (System.nanoTime() > deadlineNanos) {
                throw new IllegalStateException("Not after 30 minutes: " + what, failure);
            }
            TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
        }
    }

    @Override
    public void close() {
        admin.close();
    }
}
