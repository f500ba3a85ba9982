// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim;

import io.freshet.broker.partition.Ownership;
import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.StreamState;
import io.freshet.metadata.ClusterController.BrokerHeartbeat;
import io.freshet.metadata.ClusterController.BrokerSpec;
import io.freshet.metadata.ClusterController.Endpoint;
import io.freshet.metadata.state.ManifestStore;
import io.freshet.storage.StreamStorage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.jspecify.annotations.Nullable;

/** One process of a broker: registers, recovers its WAL, serves what it owns, and stops when it finds itself replaced. */
final class Incarnation implements ServingProcess {
    private static final long HEARTBEAT_MS = 100;
    private static final long WATCH_MS = 500;

    private final World world;
    private final SimBroker broker;
    private final SimProcess process;
    private final SimRandom random;
    private final SimFollower follower;
    private final Map<Long, SimPartition> partitions = new TreeMap<>();
    private final Uuid incarnationId;
    private @Nullable Serving serving;
    private @Nullable Ownership ownership;

    /** What there is once the WAL is recovered. */
    private record Serving(Ownership ownership, ProcessStorage storage, Takeover takeover) {}

    Incarnation(World world, SimBroker broker, SimProcess process, ManifestStore tables) {
        this.world = world;
        this.broker = broker;
        this.process = process;
        this.random = world.random.fork();
        this.incarnationId = new Uuid(random.nextLong(), random.nextLong());
        this.follower = new SimFollower(world, process, tables, this::reconcile);
    }

    @Override
    public SimProcess process() {
        return process;
    }

    SimFollower follower() {
        return follower;
    }

    @Nullable
    StreamStorage storage() {
        Serving present = serving;
        return present == null ? null : present.storage().streams();
    }

    @Override
    public @Nullable SimPartition partition(long streamId) {
        return partitions.get(streamId);
    }

    boolean isServing() {
        return serving != null && !process.isDead();
    }

    /** Whether every stream that the quorum gives to this broker is open here. */
    boolean servesAllItOwns() {
        return isServing()
                && isKnown()
                && world.ledger.streams().stream().allMatch(stream -> {
                    StreamState state = world.quorum().state().manifests().stream(stream.streamId)
                            .orElseThrow();
                    SimPartition partition = partitions.get(stream.streamId);
                    return state.ownerId() != broker.id()
                            || (partition != null
                                    && partition.isOpen()
                                    && partition.leaderEpoch() == state.leaderEpoch());
                });
    }

    void start() {
        world.time.note(process, "starts", 0, 0);
        register();
    }

    private void register() {
        BrokerSpec spec = new BrokerSpec(
                broker.id(), incarnationId, List.of(new Endpoint("PLAINTEXT", "PLAINTEXT", "localhost", 9092)), null);
        follower.send("register", false, controller -> controller.registerBroker(spec))
                .whenComplete((registered, error) -> {
                    if (error != null) {
                        process.after(100, "register", this::register);
                    } else if (ownership == null) {
                        world.time.note(process, "is registered", registered.brokerEpoch(), 0);
                        openStorage(new Ownership(broker.id(), registered.brokerEpoch()));
                    }
                });
    }

    private void openStorage(Ownership registered) {
        ownership = registered;
        ProcessStorage storage = new ProcessStorage(
                world,
                new ProcessStorage.Place(broker.id(), registered.brokerEpoch(), broker.disk(), process),
                follower.ports());
        storage.open().whenComplete((nothing, error) -> {
            if (error != null) {
                cannotOpen(storage, FreshetException.of(error));
                return;
            }
            broker.disk().forgetLie();
            serving = new Serving(registered, storage, new Takeover(world, process, follower, registered, storage));
            tellReady(registered);
            watch();
            reconcile();
        });
    }

    /** As often as it takes: a registration is fenced until its heartbeat has been heard. */
    private void tellReady(Ownership registered) {
        BrokerHeartbeat ready =
                new BrokerHeartbeat(broker.id(), registered.brokerEpoch(), registered.brokerEpoch(), true, false);
        follower.send("heartbeat", true, controller -> controller.heartbeat(ready))
                .whenComplete((answer, error) -> {
                    boolean isOver = error != null && FreshetException.of(error).kind() == ErrorKind.FENCED;
                    if (!isOver && (error != null || answer.isFenced())) {
                        process.after(HEARTBEAT_MS, "heartbeat", () -> tellReady(registered));
                    }
                });
    }

    private void cannotOpen(ProcessStorage storage, FreshetException e) {
        SimDisk disk = broker.disk();
        world.time.say(process, () -> "cannot open its WAL: " + e.getMessage());
        if (e.kind() == ErrorKind.CORRUPT && disk.hasLostWrites()) {
            world.counts.add("lost write is noticed at opening");
            disk.restore();
        } else {
            world.counts.add("WAL cannot be opened: " + e.kind());
            boolean isExpected = e.kind() == ErrorKind.UNAVAILABLE
                    || e.kind() == ErrorKind.THROTTLED
                    || e.kind() == ErrorKind.INDETERMINATE
                    || (e.kind() == ErrorKind.FENCED && !isKnown())
                    || (e.kind() == ErrorKind.CORRUPT && storage.wasMisled(e));
            world.ledger.check(isExpected, () -> "Broker " + broker.id() + " cannot open its WAL: " + e);
        }
        broker.left(this);
    }

    /** Whether, in truth, this process is the one that is registered as this broker. */
    private boolean isKnown() {
        Ownership registered = ownership;
        return registered != null && registered.isCurrent(world.quorum().state().image());
    }

    private void watch() {
        Serving present = serving;
        if (present == null) {
            return;
        }
        present.storage().checkMemory();
        Optional<String> failure = present.storage().failure();
        boolean isReplaced = !present.ownership().isCurrent(follower.state().image());
        if (failure.isPresent()) {
            world.counts.add(failure.get());
            broker.left(this);
        } else if (isReplaced && random.chance(0.2)) {
            world.counts.add("zombie finds itself replaced");
            broker.left(this);
        } else {
            reconcile();
            process.after(WATCH_MS, "watch", this::watch);
        }
    }

    /** Opens what this process owns by its copy of the state and closes what it does not own any more. */
    private void reconcile() {
        Serving present = serving;
        if (present == null || !present.ownership().isCurrent(follower.state().image())) {
            return;
        }
        List<StreamState> toTakeOver = new ArrayList<>();
        for (Ledger.Stream stream : world.ledger.streams()) {
            StreamState state = follower.stream(stream.streamId).orElse(null);
            SimPartition partition = partitions.get(stream.streamId);
            if (state == null) {
                continue;
            }
            boolean isMine = state.ownerId() == broker.id();
            boolean isOld = partition != null && partition.leaderEpoch() < state.leaderEpoch();
            if (!isMine && partition != null && isOld) {
                partition.close();
                partitions.remove(stream.streamId);
            } else if (isMine && (partition == null || partition.isClosed() || isOld)) {
                if (present.takeover().isNeeded(state)) {
                    toTakeOver.add(state);
                } else {
                    open(present, state);
                }
            }
        }
        if (!toTakeOver.isEmpty()) {
            present.takeover().run(toTakeOver, this::reconcile);
        }
    }

    private void open(Serving present, StreamState state) {
        SimPartition partition =
                new SimPartition(world, process, state.streamId(), state.leaderEpoch(), present.storage()::checkMemory);
        SimPartition former = partitions.put(state.streamId(), partition);
        if (former != null) {
            former.supersede();
        }
        present.storage()
                .streams()
                .open(state.streamId(), state.leaderEpoch(), partition)
                .whenComplete((log, error) -> {
                    if (error != null) {
                        FreshetException cause = FreshetException.of(error);
                        world.counts.add("open fails: " + cause.kind());
                        world.time.say(process, () -> "opening stream " + state.streamId() + " fails: " + cause);
                        world.ledger.check(
                                cause.kind() != ErrorKind.INTERNAL && cause.kind() != ErrorKind.INVALID,
                                () -> "Stream " + state.streamId() + " cannot be opened: " + cause);
                        process.after(100, "open again", () -> partition.supersede());
                        return;
                    }
                    partition.opened(log);
                });
    }

    /** Hands a stream over to another broker: everything uploaded first, then the quorum is asked. */
    void move(long streamId, int target) {
        SimPartition partition = partitions.get(streamId);
        if (partition == null || !partition.isOpen() || target == broker.id()) {
            return;
        }
        if (partition.drain()) {
            moveWhenDrained(partition, target);
        }
    }

    private void moveWhenDrained(SimPartition partition, int target) {
        StreamStorage open = storage();
        if (open == null || !partition.isOpen()) {
            return;
        }
        if (!partition.isDrained()) {
            open.uploadNow();
            process.after(50, "drain", () -> moveWhenDrained(partition, target));
            return;
        }
        world.counts.add("stream is moved");
        SimQuorum quorum = world.quorum();
        Orders orders = new Orders(quorum);
        quorum.process()
                .after(
                        random.between(1, 20),
                        "move",
                        () -> quorum.order(image -> {
                            List<ApiMessageAndVersion> records =
                                    orders.move(image, partition.streamId(), partition.leaderEpoch(), target);
                            if (records.isEmpty()) {
                                process.after(1, "move is refused", partition::goOn);
                            }
                            return records;
                        }));
    }

    /** Uploads what is left, as a process does that was asked to stop; then {@link #closeStorage} may follow. */
    CompletableFuture<Void> uploadRest() {
        StreamStorage open = storage();
        return open == null ? CompletableFuture.completedFuture(null) : open.uploadNow();
    }

    /** Stops as a process does that was asked to. */
    void closeStorage() {
        Serving present = serving;
        serving = null;
        partitions.values().forEach(SimPartition::supersede);
        if (present != null) {
            present.storage().close();
        }
    }

    void die() {
        process.die();
        world.quorum().unfollow(follower);
        Serving present = serving;
        serving = null;
        partitions.clear();
        if (present != null) {
            present.storage().forget();
        }
    }
}
