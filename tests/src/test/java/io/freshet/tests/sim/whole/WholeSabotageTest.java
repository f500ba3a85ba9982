// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.whole;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.common.stream.WalSeal;
import io.freshet.common.stream.WalState;
import io.freshet.tests.sim.Outcome;
import io.freshet.tests.sim.Sabotage;
import io.freshet.tests.sim.StatePool;
import io.freshet.tests.sim.quorum.QuorumSabotage;
import io.freshet.wal.s3.WalCatalog;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Breaks what only the storage engine and the quorum together keep, one thing at a time, and counts the seeds until it is seen. */
class WholeSabotageTest {
    private static final int MAX_SEEDS = 60;

    @TempDir
    Path directory;

    private String found(String what, QuorumSabotage ofQuorum, Sabotage ofStorage) {
        try (StatePool states = new StatePool(directory)) {
            for (int seed = 1; seed <= MAX_SEEDS; seed++) {
                Outcome outcome = WholeSimulation.run(seed, ofQuorum, ofStorage, states, null);
                if (outcome.violation() != null) {
                    System.out.println("Sabotage found after " + seed + " seeds: " + what + ": " + outcome.violation());
                    return outcome.violation();
                }
            }
        }
        return "nothing was found in " + MAX_SEEDS + " seeds";
    }

    /** What is in the WAL of a broker that has died, or that has restarted, is not looked for. */
    @Test
    void findsStreamsThatAreOpenedWithoutTheDeadOnesWal() {
        String violation = found("takeover: sealed WALs are not read", QuorumSabotage.NONE, new Sabotage() {
            @Override
            public WalCatalog catalog(WalCatalog real) {
                return new WalCatalog() {
                    @Override
                    public List<WalState> wals() {
                        return real.wals();
                    }

                    @Override
                    public Optional<WalSeal> seal(int brokerId, long brokerEpoch) {
                        return Optional.empty();
                    }
                };
            }
        });
        assertThat(violation).contains("was opened").contains("acknowledged before");
    }

    /**
     * A broker that others have replaced writes over the fence that they have laid. Its lease would keep it from acknowledging anything by then, so it
     * does not honour that either.
     */
    @Test
    void findsAFenceThatDoesNotHold() {
        QuorumSabotage withoutLeases = new QuorumSabotage() {
            @Override
            public boolean ignoresLeases() {
                return true;
            }

            @Override
            public boolean leavesLeasesUnaudited() {
                return true;
            }
        };
        String violation = found("fence: put instead of put-if-absent", withoutLeases, new Sabotage() {
            @Override
            public boolean putsAlways() {
                return true;
            }
        });
        assertThat(violation).contains("acknowledge");
    }

    @Test
    void findsALeaseThatIsNotHonoured() {
        String violation = found(
                "lease: a broker goes on when it is over",
                new QuorumSabotage() {
                    @Override
                    public boolean ignoresLeases() {
                        return true;
                    }
                },
                Sabotage.NONE);
        assertThat(violation).contains("when its lease is over");
    }
}
