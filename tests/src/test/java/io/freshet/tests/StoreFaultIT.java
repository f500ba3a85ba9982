// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.freshet.broker.server.WalDevices;
import io.freshet.tests.nemesis.FaultProxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A whole server under load whose object store fails in every way, one after the other. Seed: {@code -Dfreshet.seed}.
 */
@Timeout(170)
class StoreFaultIT {
    private static final String BUCKET = "faults";
    private static final int PARTITIONS = 3;
    private static final long FAULT_MS = 1500;

    private final long seed = Long.getLong("freshet.seed", 20260717);

    @TempDir
    Path folder;

    private S3Server s3;
    private FaultProxy proxy;

    @BeforeEach
    void startStore() throws Exception {
        s3 = S3Server.start(folder.resolve("s3"), BUCKET);
        proxy = FaultProxy.start(s3.port());
        System.setProperty("aws.accessKeyId", s3.credentials().get("AWS_ACCESS_KEY_ID"));
        System.setProperty("aws.secretAccessKey", s3.credentials().get("AWS_SECRET_ACCESS_KEY"));
    }

    @AfterEach
    void stopStore() throws Exception {
        System.clearProperty("aws.accessKeyId");
        System.clearProperty("aws.secretAccessKey");
        proxy.close();
        s3.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"block", "s3"})
    void everyFaultOnlyDelays(String lane) throws Exception {
        Map<String, String> settings = Map.of(
                "storage.uri",
                "s3://" + BUCKET + "?endpoint=http://127.0.0.1:" + proxy.port() + "&region=us-east-1&pathStyle=true",
                "wal.lanes",
                lane,
                "wal.lane",
                lane);
        int port = FreshetProcess.freePort();
        DurableWriters writers;
        try (SmallServer server =
                SmallServer.start(folder.resolve("data"), port, WalDevices.ofThisMachine(), settings)) {
            Clients clients = new Clients(server.bootstrap());
            clients.createTopic("survivors", PARTITIONS, Map.of());
            writers = DurableWriters.start(clients, DurableWriters.partitionsOf("survivors", PARTITIONS), 3, seed);
            for (FaultProxy.Fault fault : FaultProxy.Fault.values()) {
                writers.awaitProgress();
                failAWhile(fault);
                long end = System.nanoTime();
                proxy.set(FaultProxy.Fault.NONE);
                writers.awaitProgress();
                long resumedMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - end);
                System.out.println(lane + " lane, " + fault + ": acknowledges again after " + resumedMs + " ms");
                assertThat(resumedMs)
                        .as("ms until the end of %s is noticed", fault)
                        .isLessThan(10_000);
                assertThat(server.hasGivenUp())
                        .as("the server goes on after %s", fault)
                        .isFalse();
                assertThat(server.status("/livez")).isEqualTo(200);
            }
            await().atMost(Duration.ofSeconds(20)).until(() -> server.status("/readyz") == 200);
        }
        try (SmallServer again =
                SmallServer.start(folder.resolve("data"), port, WalDevices.ofThisMachine(), settings)) {
            writers.awaitProgress();
            writers.finishAndVerify();
            assertThat(again.hasGivenUp()).isFalse();
        }
    }

    /** Until requests were spoiled and the fault has lasted. */
    private void failAWhile(FaultProxy.Fault fault) {
        if (fault == FaultProxy.Fault.NONE) {
            return;
        }
        long before = proxy.spoiled();
        proxy.set(fault);
        await().during(Duration.ofMillis(FAULT_MS))
                .atMost(Duration.ofSeconds(20))
                .until(() -> proxy.spoiled() > before);
    }
}
