// SPDX-License-Identifier: Apache-2.0
package io.freshet.wal.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class FileBlockDeviceTest {
    private static final long SIZE_BYTES = 8 << 20;

    @TempDir
    private Path directory = Path.of("");

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aLogOnAFileSurvivesReopening(boolean mayBeDirect) throws Exception {
        Path file = directory.resolve("wal");
        List<TestEntry> entries;
        try (BlockWal wal = Wals.open(FileBlockDevice.open(file, SIZE_BYTES, mayBeDirect))) {
            assertThat(Files.size(file)).isEqualTo(SIZE_BYTES);
            assertThat(wal.capacityBytes()).isEqualTo(SIZE_BYTES - 8192);
            entries = Wals.appendAll(wal, 300, 5000);
            entries.forEach(entry -> entry.lsn.join());
        }
        List<TestEntry.Seen> seen = new ArrayList<>();
        Wals.open(FileBlockDevice.open(file, SIZE_BYTES, !mayBeDirect), seen).close();
        assertThat(seen).isEqualTo(Wals.expected(entries));
    }

    @Test
    void aFileCutShortIsRefused() throws Exception {
        Path file = directory.resolve("wal");
        Wals.open(FileBlockDevice.open(file, SIZE_BYTES)).close();
        try (var channel = java.nio.channels.FileChannel.open(file, java.nio.file.StandardOpenOption.WRITE)) {
            channel.truncate(SIZE_BYTES / 2);
        }
        assertThatThrownBy(() -> Wals.open(FileBlockDevice.open(file, SIZE_BYTES / 2)))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.CORRUPT))
                .hasMessageContaining("cut off");
    }

    @Test
    void aSecondOpeningIsRefused() throws Exception {
        Path file = directory.resolve("wal");
        try (FileBlockDevice first = FileBlockDevice.open(file, SIZE_BYTES)) {
            assertThat(first.sizeBytes()).isEqualTo(SIZE_BYTES);
            assertThat(secondProcess(file)).contains("is locked by another process");
            assertThatThrownBy(() -> FileBlockDevice.open(file, SIZE_BYTES))
                    .isInstanceOfSatisfying(
                            FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNAVAILABLE));
        }
        assertThat(secondProcess(file)).contains("opened");
    }

    @Test
    void aMissingDirectoryIsNamed() {
        Path file = directory.resolve("absent").resolve("wal");
        assertThatThrownBy(() -> FileBlockDevice.open(file, SIZE_BYTES))
                .isInstanceOf(FreshetException.class)
                .hasMessageContaining("check that its directory exists");
    }

    @Test
    void aFileSystemWithoutRoomIsNamedWithWhatIsWantedAndFree() throws Exception {
        Path file = directory.resolve("wal");
        assertThatThrownBy(() -> FileBlockDevice.open(file, 1L << 55))
                .isInstanceOfSatisfying(
                        FreshetException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.UNAVAILABLE))
                .hasMessageMatching("The WAL .*/wal needs " + (1L << 55)
                        + " more bytes, but its file system has only [0-9]+ free: free some space, put the WAL"
                        + " elsewhere, or configure a smaller one");
        assertThat(file).as("an empty file would count as a WAL").doesNotExist();
        FileBlockDevice.open(file, SIZE_BYTES).close();
        assertThatThrownBy(() -> FileBlockDevice.open(file, 1L << 55)).hasMessageContaining("more bytes");
        assertThat(file).as("one that is there is kept as it was").hasSize(SIZE_BYTES);
    }

    private static String secondProcess(Path file) throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        SecondOpener.class.getName(),
                        file.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return output;
    }

    /** Opens the file named by its argument in a process of its own and says how that went. */
    static final class SecondOpener {
        private SecondOpener() {}

        public static void main(String[] args) throws Exception {
            try (FileBlockDevice device = FileBlockDevice.open(Path.of(args[0]), SIZE_BYTES)) {
                System.out.println("opened " + device.description());
            } catch (FreshetException e) {
                System.out.println(e.getMessage());
            }
        }
    }
}
