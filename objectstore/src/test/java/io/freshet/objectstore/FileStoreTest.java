// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.runtime.Clock;
import io.freshet.objectstore.fault.Fault;
import io.freshet.objectstore.fault.Fault.Effect;
import io.freshet.objectstore.fault.FaultyDriver;
import io.freshet.objectstore.fault.ScriptedFaults;
import io.freshet.objectstore.file.FileDriver;
import io.freshet.objectstore.file.FileSettings;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileStoreTest extends ObjectStoreContract {
    private final StoreFixture fixture = new StoreFixture();

    @TempDir
    Path directory;

    private ObjectStore store;

    @BeforeEach
    void open() {
        store = fixture.open("file://" + directory + "?openFiles=4");
    }

    @AfterEach
    void close() {
        store.close();
        fixture.close();
    }

    @Override
    ObjectStore store() {
        return store;
    }

    @Test
    void survivesReopening() {
        get(store.put("kept/a", text("kept")));
        store.close();
        open();
        assertThat(readText("kept/a", 4)).isEqualTo("kept");
    }

    @Test
    void oldTemporaryFilesAreRemovedAtOpenAndNeverListed() throws IOException {
        Path old = Files.writeString(directory.resolve("~tmp/old"), "torn");
        Path fresh = Files.writeString(directory.resolve("~tmp/fresh"), "in flight");
        Files.setLastModifiedTime(old, FileTime.fromMillis(Clock.system().wallMs() - 2 * 3_600_000));
        store.close();
        open();
        assertThat(old).doesNotExist();
        assertThat(fresh).exists();
        assertThat(listAll("", 1000)).isEmpty();
    }

    @Test
    void leavesNoTemporaryFilesAndNoEmptyDirectories() throws IOException {
        get(store.put("deep/a/b/c", text("x")));
        get(store.putIfAbsent("deep/a/d", text("x")));
        get(store.putIfAbsent("deep/a/d", text("y")));
        get(store.delete(List.of("deep/a/b/c", "deep/a/d")));
        try (Stream<Path> left = Files.walk(directory)) {
            assertThat(left).containsExactlyInAnyOrder(directory, directory.resolve("~tmp"));
        }
    }

    @Test
    void readsManyFilesThroughFewOpenOnes() {
        List<CompletableFuture<Void>> puts = IntStream.range(0, 40)
                .mapToObj(i -> store.put("open/" + i, text(String.format("%03d", i))))
                .toList();
        puts.forEach(ObjectStoreContract::get);
        for (int round = 0; round < 5; round++) {
            List<ByteBuffer> targets =
                    IntStream.range(0, 40).mapToObj(i -> ByteBuffer.allocate(3)).toList();
            List<CompletableFuture<Void>> reads = IntStream.range(0, 40)
                    .mapToObj(i -> store.read("open/" + i, 0, targets.get(i)))
                    .toList();
            reads.forEach(ObjectStoreContract::get);
            for (int i = 0; i < 40; i++) {
                assertThat(new String(targets.get(i).array(), java.nio.charset.StandardCharsets.US_ASCII))
                        .isEqualTo(String.format("%03d", i));
            }
        }
    }

    @Test
    void keysThatCannotBothBeFilesAreRefused() {
        get(store.put("clash/a", text("x")));
        assertFails(store.put("clash/a/b", text("y")), ErrorKind.INVALID);
        assertFails(store.putIfAbsent("clash", text("y")), ErrorKind.INVALID);
        assertFails(store.put("clash/" + "n".repeat(300), text("y")), ErrorKind.INVALID);
    }

    @Test
    void aLostAnswerIsSettledByTheNonceInTheFilesAttributes() throws IOException {
        FileStore fileStore = Files.getFileStore(directory);
        Assumptions.assumeTrue(
                fileStore.supportsFileAttributeView(UserDefinedFileAttributeView.class),
                "the temporary directory's file system has no extended attributes");
        ScriptedFaults faults = new ScriptedFaults().then(Fault.Op.CREATE, Fault.of(Effect.LOST_ANSWER));
        FileDriver driver = FileDriver.open(new FileSettings(directory, 2, 2, 4), Clock.system());
        try (ObjectStore faulty = fixture.over(
                new FaultyDriver(driver, faults, fixture.scheduler, fixture.randomness), StoreFixture.FAST)) {
            assertThat(get(faulty.putIfAbsent("lost/a", text("x")))).isEqualTo(ObjectStore.PutOutcome.CREATED);
            faults.then(Fault.Op.CREATE, Fault.of(Effect.LOST_REQUEST));
            assertThat(get(faulty.putIfAbsent("lost/a", text("x")))).isEqualTo(ObjectStore.PutOutcome.ALREADY_EXISTS);
        }
    }

    @Test
    void concurrentCreatesAndDeletesInOneDirectoryDoNotDisturbEachOther() {
        List<CompletableFuture<Void>> runs =
                IntStream.range(0, 8).mapToObj(i -> cycle("busy/dir/" + i, 60)).toList();
        runs.forEach(ObjectStoreContract::get);
        assertThat(listAll("busy/", 100)).isEmpty();
    }

    private CompletableFuture<Void> cycle(String key, int rounds) {
        if (rounds == 0) {
            return CompletableFuture.completedFuture(null);
        }
        return store.putIfAbsent(key, text("x"))
                .thenCompose(outcome -> {
                    assertThat(outcome).isEqualTo(ObjectStore.PutOutcome.CREATED);
                    return store.delete(List.of(key));
                })
                .thenCompose(deleted -> cycle(key, rounds - 1));
    }

    @Test
    void aFileInPlaceOfTheDirectoryIsNamed() throws IOException {
        Path file = Files.writeString(directory.resolve("plain"), "x");
        assertThatThrownBy(() -> fixture.open("file://" + file))
                .isInstanceOf(FreshetException.class)
                .hasMessageContaining(file.toString());
    }
}
