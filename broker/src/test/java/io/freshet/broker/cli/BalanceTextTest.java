// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.freshet.broker.inspect.BalancePages;
import io.freshet.broker.inspect.BalancePages.Amount;
import io.freshet.broker.inspect.BalancePages.Balance;
import io.freshet.broker.inspect.BalancePages.Broker;
import io.freshet.broker.inspect.BalancePages.Move;
import java.util.List;
import org.junit.jupiter.api.Test;

class BalanceTextTest {
    private static final Balance SKEWED = new Balance(
            "localhost:9092",
            2,
            true,
            0.1,
            200,
            List.of("audit-*"),
            List.of(),
            List.of(
                    new Broker(1, "a", "", new Amount(3 << 20, 6 << 20, 20, 30)),
                    new Broker(2, null, "", new Amount(1 << 20, 2 << 20, 10, 10)),
                    new Broker(3, null, "it is drained", new Amount(0, 0, 0, 0))),
            new Amount(2 << 20, 4 << 20, 15, 20),
            List.of(new Move("t", 4, 1, 2, 1 << 20, 2 << 20, 5, "bytes in: broker 1 has too much")),
            true,
            1,
            7,
            List.of(new Move("t", 5, 1, 2, 0, 0, 0, "")),
            12,
            3,
            List.of("Moves are under way"));

    @Test
    void explainsLoadsMovesAndWhatHoldsThemBack() {
        String text = String.join("\n", BalanceText.lines(SKEWED, true, false));
        assertThat(text)
                .contains("1       a        3.0 MiB/s (+50 %)")
                .contains("10.0/s (-33 %)")
                .contains("takes no part: it is drained")
                .contains("mean")
                .contains("Balancing is on; tolerance 10 %; 7 of 200 moves a minute used; planned by node 2")
                .contains("Excluded topics: audit-* (12 partitions)")
                .contains("3 partitions have moved within the last minute")
                .contains("t-5 from broker 1 to broker 2")
                .contains("1 partition should move, in this order:")
                .contains("t-4 from broker 1 to broker 2 (1.0 MiB/s in, 2.0 MiB/s out, 5.0/s)")
                .contains("bytes in: broker 1 has too much")
                .contains("Moves are under way");
    }

    @Test
    void aDryRunPrintsTheMovesAlone() {
        assertThat(BalanceText.lines(SKEWED, false, true))
                .hasSize(3)
                .first()
                .asString()
                .startsWith("1 partition should move");
        assertThat(BalanceText.lines(SKEWED, false, false)).noneMatch(line -> line.contains("too much"));
    }

    @Test
    void thePageComesBackAsItWas() throws Exception {
        ObjectMapper json = new ObjectMapper();
        assertThat(json.readValue(json.writeValueAsString(SKEWED), BalancePages.Balance.class))
                .isEqualTo(SKEWED);
    }
}
