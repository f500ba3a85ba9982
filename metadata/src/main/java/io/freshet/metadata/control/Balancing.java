// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.control;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.metadata.balance.BalanceDescription;
import io.freshet.metadata.balance.BalancePlan;
import io.freshet.metadata.balance.BalancePlanner;
import io.freshet.metadata.balance.BalanceSettings;
import io.freshet.metadata.balance.Load;
import io.freshet.metadata.balance.LoadReport;
import io.freshet.metadata.balance.PlannedMove;
import io.freshet.metadata.control.BalanceView.Gathered;
import io.freshet.metadata.control.ClusterLoads.PartitionKey;
import io.freshet.metadata.control.Command.Decision;
import io.freshet.metadata.state.ClusterState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.image.MetadataDelta;
import org.apache.kafka.image.TopicDelta;
import org.apache.kafka.image.TopicsDelta;
import org.apache.kafka.metadata.BrokerRegistration;
import org.apache.kafka.metadata.PartitionRegistration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps brokers' loads even: hears what they report, plans every few seconds, and wishes for the moves. Nothing of it is in
 * the log but the wishes; a new controller waits until all brokers that serve have reported, or long enough. State belongs to
 * the metadata thread; plans are made by an executor, since they may take a while.
 */
public final class Balancing {
    private static final Logger LOG = LoggerFactory.getLogger(Balancing.class);
    private static final long PERIOD_NS = TimeUnit.SECONDS.toNanos(5);

    /** For so long a broker that does not report holds all moves back; then the others go on without it. */
    private static final long WAIT_FOR_REPORTS_NS = TimeUnit.SECONDS.toNanos(30);

    private final int nodeId;
    private final CommandQueue queue;
    private final Inputs inputs;
    private final Clock clock;
    private final Executor planner;
    private final ClusterLoads loads;
    private final BalanceMoves moves;
    private final AtomicBoolean isPlanning = new AtomicBoolean();

    /** Since when each broker that serves has not reported. */
    private final Map<Integer, Long> silentSinceNs = new HashMap<>();

    private boolean isLeading;
    private long lookedAtNs;

    /** @param planner makes plans */
    Balancing(int nodeId, CommandQueue queue, Inputs inputs, Executor planner) {
        this.nodeId = nodeId;
        this.queue = queue;
        this.inputs = inputs;
        this.clock = inputs.clock();
        this.planner = planner;
        this.loads = new ClusterLoads(clock);
        this.moves = new BalanceMoves(clock);
        this.lookedAtNs = clock.nanoTime();
    }

    /** This node leads now, or does not. */
    public void onLeaderChange() {
        isLeading = queue.isLeading();
        loads.clear();
        moves.clear();
        silentSinceNs.clear();
        lookedAtNs = clock.nanoTime();
    }

    /** The state has changed: partitions that have got another leader rest. */
    public void onApplied(MetadataDelta delta) {
        TopicsDelta topics = delta.topicsDelta();
        if (!isLeading || topics == null) {
            return;
        }
        for (TopicDelta topic : topics.changedTopics().values()) {
            topic.partitionChanges().forEach((id, partition) -> {
                PartitionRegistration before = topic.image().partitions().get(id);
                if (before != null && before.leader != partition.leader) {
                    moves.noteMoved(new PartitionKey(topic.id(), id));
                }
            });
        }
    }

    /** Looks whether something should move, every few seconds however often it is called. */
    public void tick(ClusterState state) {
        if (!isLeading || !Upkeep.isCluster(state) || clock.nanoTime() - lookedAtNs < PERIOD_NS) {
            return;
        }
        lookedAtNs = clock.nanoTime();
        BalanceView view = view(state);
        boolean isEnabled = view.settings().isEnabled();
        if (moves.isAnyStuck(view.wishes(), !isEnabled)) {
            queue.submit(now -> Decision.of(moves.takeBack(now, !isEnabled), true));
        }
        int allowed = allowed(view);
        if (!isEnabled || allowed == 0 || !waitedFor().isEmpty() || !isPlanning.compareAndSet(false, true)) {
            return;
        }
        try {
            planner.execute(() -> plan(view, allowed));
        } catch (RejectedExecutionException e) {
            isPlanning.set(false);
        }
    }

    private void plan(BalanceView view, int allowed) {
        BalancePlan plan;
        try {
            if (!view.isUneven()) {
                isPlanning.set(false);
                return;
            }
            plan = BalancePlanner.plan(
                    view.gather().cluster(view), view.settings().tolerance(), allowed);
        } catch (RuntimeException e) {
            isPlanning.set(false);
            LOG.error("Balancing could not make a plan", e);
            return;
        }
        if (plan.moves().isEmpty()) {
            isPlanning.set(false);
            return;
        }
        PlannedMove first = plan.moves().get(0);
        LOG.info(
                "Balancing moves {} partitions, first {}-{} from broker {} to {}: {}",
                plan.moves().size(),
                first.topic(),
                first.partition(),
                first.fromBrokerId(),
                first.toBrokerId(),
                first.reason());
        queue.submit(now -> Decision.of(moves.begin(now, plan.moves()), true)).whenComplete((done, error) -> {
            isPlanning.set(false);
            if (error != null) {
                LOG.warn("Balancing could not ask for its moves: {}", error.getMessage());
            }
        });
    }

    private BalanceView view(ClusterState state) {
        Map<Integer, Standing> standings = Standing.of(state.speculate());
        Set<Integer> silent = noteSilent(state, standings);
        Map<Integer, Load> rests = new HashMap<>();
        standings.keySet().forEach(id -> rests.put(id, loads.rest(id)));
        return new BalanceView(
                state.image(),
                settings(state),
                standings,
                state.manifests().wishes(),
                loads.partitions(),
                rests,
                silent,
                moves.resting(),
                moves.begunCount());
    }

    private BalanceSettings settings(ClusterState state) {
        return BalanceSettings.of(
                state.image().configs().configMapForResource(new ConfigResource(ConfigResource.Type.BROKER, "")),
                inputs.staticConfig());
    }

    private Set<Integer> noteSilent(ClusterState state, Map<Integer, Standing> standings) {
        Set<Integer> silent = new HashSet<>();
        for (Standing broker : standings.values()) {
            BrokerRegistration known = state.image().cluster().broker(broker.brokerId());
            if (known != null && broker.isServing() && !loads.hasReport(known.id(), known.epoch())) {
                silent.add(known.id());
                silentSinceNs.putIfAbsent(known.id(), clock.nanoTime());
            }
        }
        silentSinceNs.keySet().retainAll(silent);
        return silent;
    }

    /** Brokers whose reports the next plan waits for. */
    private List<Integer> waitedFor() {
        long nowNs = clock.nanoTime();
        return silentSinceNs.entrySet().stream()
                .filter(entry -> nowNs - entry.getValue() < WAIT_FOR_REPORTS_NS)
                .map(Map.Entry::getKey)
                .sorted()
                .toList();
    }

    private static int allowed(BalanceView view) {
        return Math.max(0, view.settings().movesPerMinute() - view.begun());
    }

    /** From any thread. */
    CompletableFuture<Void> report(LoadReport report) {
        return queue.ask(state -> {
            StreamCommands.requireBrokerEpoch(state.image(), report.brokerId(), report.brokerEpoch());
            loads.take(report, key -> isLed(state, key, report.brokerId()));
            return CompletableFuture.completedFuture(null);
        });
    }

    private static boolean isLed(ClusterState state, PartitionKey key, int brokerId) {
        var topic = state.image().topics().getTopic(key.topicId());
        var partition = topic == null ? null : topic.partitions().get(key.partition());
        return partition == null || partition.leader == brokerId;
    }

    /** From any thread. */
    CompletableFuture<BalanceDescription> describe() {
        return queue.ask(state -> {
            BalanceView view = view(state);
            List<Integer> waitedFor = waitedFor();
            try {
                return CompletableFuture.supplyAsync(() -> description(view, waitedFor), planner);
            } catch (RejectedExecutionException e) {
                throw new FreshetException(
                        ErrorKind.UNAVAILABLE, "The controller is stopping, or plans too much at once; retry", e);
            }
        });
    }

    private BalanceDescription description(BalanceView view, List<Integer> waitedFor) {
        Gathered gathered = view.gather();
        BalancePlan plan =
                BalancePlanner.plan(gathered.cluster(view), view.settings().tolerance(), BalanceDescription.MAX_MOVES);
        int allowed = view.settings().isEnabled() && waitedFor.isEmpty() ? allowed(view) : 0;
        return new BalanceDescription(
                nodeId,
                view.settings(),
                gathered.brokers(view),
                plan.mean(),
                plan.meanPartitions(),
                plan.moves(),
                plan.isComplete(),
                Math.min(allowed, plan.moves().size()),
                view.begun(),
                gathered.underWay.subList(0, Math.min(gathered.underWay.size(), BalanceDescription.MAX_MOVES)),
                gathered.excluded,
                gathered.resting,
                notes(view, plan, waitedFor, gathered));
    }

    private static List<String> notes(BalanceView view, BalancePlan plan, List<Integer> waitedFor, Gathered gathered) {
        List<String> notes = new ArrayList<>();
        if (!view.settings().isEnabled()) {
            notes.add("Balancing is paused (" + BalanceSettings.ENABLED + "=false): nothing moves");
        }
        if (!waitedFor.isEmpty()) {
            notes.add("Nothing moves before brokers " + waitedFor
                    + " have reported their loads, which takes some seconds");
        }
        if (plan.loads().size() < 2) {
            notes.add("Fewer than two brokers take part: there is nowhere to move anything");
        }
        int allowed = allowed(view);
        if (plan.moves().size() > allowed) {
            notes.add("The limit of " + view.settings().movesPerMinute() + " moves a minute ("
                    + BalanceSettings.MOVES_PER_MINUTE + ") lets " + allowed + " of them begin now");
        }
        if (!gathered.underWay.isEmpty()) {
            notes.add("Moves are under way; partitions are counted where they go");
        }
        if (plan.moves().isEmpty() && plan.leftOver().isEmpty() && plan.loads().size() > 1) {
            notes.add("Every broker that takes part is near enough to the mean: nothing has to move");
        }
        plan.leftOver().forEach(left -> notes.add(left.substring(0, 1).toUpperCase(Locale.ROOT) + left.substring(1)));
        return notes;
    }
}
