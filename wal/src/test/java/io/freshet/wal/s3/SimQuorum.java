// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.IdRange;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * The quorum's knowledge of WALs in virtual time. Refuses commands of registrations that are not the newest of their broker, but
 * for object ids, which anybody gets.
 */
final class SimQuorum {
    private final SimRuntime runtime;
    private final SimBucket bucket;
    private final TreeMap<Long, WalState> wals = new TreeMap<>();
    private final Map<Long, WalSeal> seals = new HashMap<>();
    private long newestEpoch;
    private long nextId = 1;
    int commands;
    boolean areRecordsNeededElsewhere;
    SimBucket.Network network = (op, key) -> SimBucket.Fate.after(2, 2);

    SimQuorum(SimRuntime runtime, SimBucket bucket) {
        this.runtime = runtime;
        this.bucket = bucket;
    }

    /** A new registration of the one broker. */
    long register() {
        return ++newestEpoch;
    }

    List<WalState> states() {
        return new ArrayList<>(wals.values());
    }

    WalSeal sealOf(long epoch) {
        return Objects.requireNonNull(seals.get(epoch));
    }

    /** Somebody says that all of a sealed WAL is uploaded. */
    void free(long epoch) {
        WalState state = Objects.requireNonNull(wals.get(epoch));
        wals.put(epoch, new WalState(state.brokerId(), epoch, state.sealedEndSlot(), state.sealedEndSlot()));
    }

    WalRegistry client(SimRuntime.Host host, long callerEpoch) {
        return new Client(host, callerEpoch);
    }

    private final class Client implements WalRegistry {
        private final SimRuntime.Host host;
        private final long callerEpoch;

        Client(SimRuntime.Host host, long callerEpoch) {
            this.host = host;
            this.callerEpoch = callerEpoch;
        }

        private <T> CompletableFuture<T> command(String op, Supplier<T> effect) {
            CompletableFuture<T> answer = new CompletableFuture<>();
            if (host.isDead()) {
                return answer;
            }
            commands++;
            SimBucket.Fate fate = network.next(op, "");
            if (host.isDead()) {
                return answer;
            }
            if (fate.effectMs() < 0) {
                runtime.schedule(
                        fate.answerMs(),
                        () -> host.run(() -> answer.completeExceptionally(
                                new FreshetException(ErrorKind.UNAVAILABLE, "Simulated: no leader"))));
                return answer;
            }
            runtime.schedule(fate.effectMs(), () -> {
                CompletableFuture<T> outcome = new CompletableFuture<>();
                try {
                    if (callerEpoch < newestEpoch && !op.equals("ids")) {
                        throw new FreshetException(ErrorKind.FENCED, "Registration " + callerEpoch + " is old");
                    }
                    outcome.complete(effect.get());
                } catch (FreshetException e) {
                    outcome.completeExceptionally(e);
                }
                runtime.schedule(
                        fate.answerMs(),
                        () -> host.run(() -> {
                            if (!fate.isAnswered()) {
                                answer.completeExceptionally(
                                        new FreshetException(ErrorKind.INDETERMINATE, "Simulated: answer lost"));
                                return;
                            }
                            outcome.whenComplete((value, error) -> {
                                if (error == null) {
                                    answer.complete(value);
                                } else {
                                    answer.completeExceptionally(error);
                                }
                            });
                        }));
            });
            return answer;
        }

        @Override
        public List<WalState> wals(int brokerId) {
            return states();
        }

        @Override
        public CompletableFuture<Optional<WalState>> refreshed(int brokerId, long brokerEpoch) {
            return command("refresh", () -> Optional.ofNullable(wals.get(brokerEpoch)));
        }

        @Override
        public CompletableFuture<Void> open(int brokerId, long brokerEpoch) {
            return command("open", () -> {
                wals.putIfAbsent(brokerEpoch, new WalState(brokerId, brokerEpoch, 0, WalState.NOT_SEALED));
                return null;
            });
        }

        @Override
        public CompletableFuture<Void> seal(WalSeal seal) {
            return command("seal", () -> {
                WalState state = wals.get(seal.brokerEpoch());
                WalSeal former = seals.get(seal.brokerEpoch());
                if (state == null || (former != null && !former.equals(seal))) {
                    throw new FreshetException(ErrorKind.INVALID, "Sealed otherwise: " + former + ", now " + seal);
                }
                String fence = ObjectKeys.slotKey(seal.brokerId(), seal.brokerEpoch(), seal.endSlot());
                if (!bucket.keys().contains(fence)) {
                    throw new AssertionError("Sealed without a fence at " + fence);
                }
                seals.put(seal.brokerEpoch(), seal);
                wals.put(
                        seal.brokerEpoch(),
                        new WalState(state.brokerId(), state.brokerEpoch(), state.startSlot(), seal.endSlot()));
                return null;
            });
        }

        @Override
        public CompletableFuture<Void> trim(int brokerId, long brokerEpoch, long startSlot) {
            return command("trim", () -> {
                WalState state = wals.get(brokerEpoch);
                if (state == null
                        || (state.isSealed() && (startSlot != state.sealedEndSlot() || areRecordsNeededElsewhere))) {
                    throw new FreshetException(ErrorKind.INVALID, "No such slots: " + state + ", " + startSlot);
                }
                long start = Math.max(startSlot, state.startSlot());
                wals.put(brokerEpoch, new WalState(brokerId, brokerEpoch, start, state.sealedEndSlot()));
                return null;
            });
        }

        @Override
        public CompletableFuture<Void> retire(int brokerId, long brokerEpoch) {
            return command("retire", () -> {
                WalState state = wals.get(brokerEpoch);
                if (state != null && !state.isFreed()) {
                    throw new FreshetException(ErrorKind.INVALID, "Not freed: " + state);
                }
                wals.remove(brokerEpoch);
                return null;
            });
        }

        @Override
        public CompletableFuture<IdRange> reserveObjectIds(int count) {
            return command("ids", () -> {
                long first = nextId;
                nextId += count;
                return new IdRange(first, nextId);
            });
        }
    }
}
