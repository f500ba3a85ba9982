// SPDX-License-Identifier: Apache-2.0
package io.freshet.metadata.log;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.message.VotersRecord;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.ControlRecordUtils;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.snapshot.SnapshotPath;
import org.apache.kafka.snapshot.Snapshots;

/** The voter set that lies in a metadata log's files, read while nobody has the log open. Blocks on the disk. */
public final class StoredVoters {
    private StoredVoters() {}

    /**
     * Ids of the voters in the newest voter set, committed or not, of {@code logDirectory}; empty if there is none.
     *
     * @throws FreshetException UNAVAILABLE if a file cannot be read
     */
    public static Set<Integer> ids(Path logDirectory) {
        if (!Files.isDirectory(logDirectory)) {
            return Set.of();
        }
        try (Stream<Path> files = Files.list(logDirectory)) {
            List<Path> all = files.toList();
            Optional<VotersRecord> newest = Optional.empty();
            for (Path file : inOrder(all)) {
                Optional<VotersRecord> found = lastIn(file);
                newest = found.isPresent() ? found : newest;
            }
            Set<Integer> ids = new TreeSet<>();
            newest.ifPresent(set -> set.voters().forEach(voter -> ids.add(voter.voterId())));
            return ids;
        } catch (IOException | UncheckedIOException | KafkaException e) {
            throw new FreshetException(
                    ErrorKind.UNAVAILABLE,
                    "Cannot read the voter set in " + logDirectory + ": " + e.getMessage()
                            + "; check the disk and the directory's rights",
                    e);
        }
    }

    /** The newest snapshot, then the log's segments. */
    private static List<Path> inOrder(List<Path> files) {
        Stream<Path> snapshot = files.stream()
                .map(Snapshots::parse)
                .flatMap(Optional::stream)
                .filter(found -> !found.partial() && !found.deleted())
                .max(Comparator.comparing(SnapshotPath::snapshotId))
                .map(SnapshotPath::path)
                .stream();
        Stream<Path> segments =
                files.stream().filter(file -> file.toString().endsWith(".log")).sorted();
        return Stream.concat(snapshot, segments).toList();
    }

    private static Optional<VotersRecord> lastIn(Path file) throws IOException {
        Optional<VotersRecord> last = Optional.empty();
        try (FileRecords records = FileRecords.open(file.toFile(), false)) {
            for (RecordBatch batch : records.batches()) {
                if (batch.isControlBatch()) {
                    for (Record record : batch) {
                        if (ControlRecordType.parse(record.key()) == ControlRecordType.KRAFT_VOTERS) {
                            last = Optional.of(ControlRecordUtils.deserializeVotersRecord(record));
                        }
                    }
                }
            }
        }
        return last;
    }
}
