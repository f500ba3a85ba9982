// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import io.freshet.metadata.ClusterController;
import io.freshet.tests.sim.SimRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData.ReassignablePartition;
import org.apache.kafka.common.message.AlterPartitionReassignmentsRequestData.ReassignableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicCollection;
import org.apache.kafka.image.TopicImage;
import org.jspecify.annotations.Nullable;

/** Those who send commands through any node. */
final class QuorumClients {
    private static final int MOST_TOPICS = 8;

    private final QuorumWorld world;
    private final SimRandom random;
    private final long commandEveryMs;
    private int topics;
    private @Nullable String kept;
    private boolean isOver;

    QuorumClients(QuorumWorld world) {
        this.world = world;
        this.random = world.random.fork();
        this.commandEveryMs = random.between(50, 600);
    }

    void start() {
        command();
    }

    void stop() {
        isOver = true;
    }

    /** This topic is not deleted. */
    void keep(String topic) {
        kept = topic;
    }

    private void command() {
        world.process.after(random.between(1, 2 * commandEveryMs), "commander", () -> {
            if (!isOver) {
                List<NodeRun> runs =
                        world.runs().stream().filter(NodeRun::isReady).toList();
                if (!runs.isEmpty()) {
                    NodeRun run = runs.get(random.below(runs.size()));
                    run.process().after(0, "command", () -> command(run));
                }
                command();
            }
        });
    }

    private void command(NodeRun run) {
        ClusterController controller = run.quorum().controller();
        Member broker = run.broker();
        int which = random.below(10);
        if (which < 2 && topics < MOST_TOPICS) {
            createTopic(run, 1 + random.below(4));
        } else if (which == 2 && broker != null && broker.brokerEpoch() >= 0) {
            controller
                    .allocateProducerIds(broker.id(), broker.brokerEpoch())
                    .thenAccept(world.ledger.commands()::gotProducerIds);
        } else if (which == 3) {
            deleteTopic(run);
        } else if (which <= 5) {
            controller.reserveObjectIds(1 + random.below(20)).thenAccept(world.ledger.commands()::gotObjectIds);
        } else if (which == 6) {
            controller.barrier();
        } else if (random.chance(world.swarm.moves)) {
            reassign(run);
        } else if (random.chance(world.swarm.drains)) {
            int target = random.below(world.nodes.size());
            controller.drainBroker(target, random.chance(0.5));
        }
    }

    void createTopic(NodeRun run, int partitions) {
        String name = "t" + topics++;
        CreateTopicsRequestData request = new CreateTopicsRequestData()
                .setTopics(new CreatableTopicCollection(List.of(new CreatableTopic()
                                .setName(name)
                                .setNumPartitions(partitions)
                                .setReplicationFactor((short) 1))
                        .iterator()));
        world.ledger.commands().asked(name);
        world.time.note(run.process(), "asks for a topic", topics, partitions);
        run.quorum().controller().createTopics(request, Set.of()).whenComplete((answer, error) -> {
            if (error != null) {
                world.ledger.commands().failed(name, error);
            } else {
                answer.topics()
                        .forEach(topic ->
                                world.ledger.commands().answered(topic.name(), topic.errorCode(), topic.topicId()));
            }
        });
    }

    /** A topic is deleted once, by its id. */
    private void deleteTopic(NodeRun run) {
        List<TopicImage> present = sorted(run);
        if (present.size() > 2 && random.chance(0.3)) {
            TopicImage topic = present.get(random.below(present.size()));
            if (topic.name().equals(kept) || !world.ledger.commands().deletionAsked(topic.name())) {
                return;
            }
            Uuid id = topic.id();
            run.quorum().controller().deleteTopics(List.of(id)).thenAccept(answer -> {
                var error = answer.get(id);
                if (error != null) {
                    world.ledger.commands().deleted(topic.name(), error.error());
                }
            });
        }
    }

    private static List<TopicImage> sorted(NodeRun run) {
        List<TopicImage> topics =
                new ArrayList<>(run.quorum().image().topics().topicsById().values());
        topics.sort(java.util.Comparator.comparing(TopicImage::name));
        return topics;
    }

    private void reassign(NodeRun run) {
        List<TopicImage> present = sorted(run);
        if (present.isEmpty()) {
            return;
        }
        TopicImage topic = present.get(random.below(present.size()));
        int target = random.below(world.nodes.size());
        world.counts.add("move is asked for");
        run.quorum()
                .controller()
                .alterPartitionReassignments(new AlterPartitionReassignmentsRequestData()
                        .setTopics(List.of(new ReassignableTopic()
                                .setName(topic.name())
                                .setPartitions(List.of(new ReassignablePartition()
                                        .setPartitionIndex(
                                                random.below(topic.partitions().size()))
                                        .setReplicas(List.of(target)))))));
    }
}
