// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.sim.quorum;

import static org.assertj.core.api.Assertions.assertThat;

import io.freshet.metadata.log.MetadataLog;
import io.freshet.tests.sim.Outcome;
import io.freshet.tests.sim.StatePool;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Breaks the quorum on purpose, one thing at a time, and counts the seeds until the simulator has seen it. */
class QuorumSabotageTest {
    private static final int MAX_SEEDS = 100;

    @TempDir
    Path directory;

    private void requireFound(String what, QuorumSabotage sabotage) {
        requireFound(what, 0, sabotage);
    }

    /** @param passed seeds before the first, of which is known that they do not find it */
    private void requireFound(String what, int passed, QuorumSabotage sabotage) {
        try (StatePool states = new StatePool(directory)) {
            for (int seed = 1; seed <= MAX_SEEDS; seed++) {
                Outcome outcome = QuorumSimulation.run(passed + seed, sabotage, states, null);
                if (outcome.violation() != null) {
                    System.out.println("Sabotage found after " + seed + " seeds: " + what + ": " + outcome.violation());
                    return;
                }
            }
        }
        assertThat(MAX_SEEDS).as(what + " was not found within so many seeds").isNegative();
    }

    @Test
    void findsALeaseThatIsNotHonoured() {
        requireFound("lease: a broker goes on when it is over", new QuorumSabotage() {
            @Override
            public boolean ignoresLeases() {
                return true;
            }
        });
    }

    @Test
    void findsFlushesThatDoNothing() {
        requireFound("flush: voters acknowledge what is not on their disks", 30, new QuorumSabotage() {
            @Override
            public boolean flushes() {
                return false;
            }
        });
    }

    @Test
    void findsVotesThatAreForgotten() {
        requireFound("votes: a crash takes them away", new QuorumSabotage() {
            @Override
            public boolean forgetsVotes() {
                return true;
            }
        });
    }

    @Test
    void findsCommandsThatAreDoneTwice() {
        requireFound("repeat: a command is done twice", new QuorumSabotage() {
            @Override
            public boolean sendsCommandsTwice() {
                return true;
            }
        });
    }

    @Test
    void findsAnswersBeforeTheCommit() {
        requireFound("commit: commands are applied when they are written", new QuorumSabotage() {
            @Override
            public MetadataLog log(MetadataLog real) {
                return new HastyLog(real);
            }
        });
    }
}
