// SPDX-License-Identifier: Apache-2.0
package io.freshet.broker.cli.storage;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import io.freshet.common.stream.ObjectKeys;
import io.freshet.objectstore.ObjectStore.ObjectStat;
import io.freshet.storage.inspect.ObjectBytes;
import io.freshet.storage.inspect.ObjectName;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code freshet storage dump OBJECT}: what one object holds, and every damage in it. */
@Command(
        name = "dump",
        description = "Shows what one object or WAL slot holds, and every damage in it. Exit code 1 on damage.",
        mixinStandardHelpOptions = true)
final class DumpCommand implements Callable<Integer> {
    @Mixin
    Printing print;

    @Mixin
    StoreOption storeOption;

    @Parameters(
            index = "0",
            paramLabel = "OBJECT",
            description = "An object id, a key (data/… or wal/…), or a local file.")
    String object;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            defaultValue = "data",
            description = "Data directory of freshet up, for its objects (default: ${DEFAULT-VALUE}).")
    Path data;

    @Option(names = "--records", description = "Lists the record batches too.")
    boolean records;

    @Option(names = "--tail-only", description = "Does not read the data blocks.")
    boolean tailOnly;

    @SuppressWarnings("NullAway.Init")
    DumpCommand() {}

    @Override
    public Integer call() throws IOException {
        boolean isKey = object.startsWith(ObjectKeys.DATA_PREFIX) || object.startsWith(ObjectKeys.WAL_PREFIX);
        boolean isId = object.matches("[0-9]{1,18}");
        if (!isKey && !isId && Files.isRegularFile(Path.of(object))) {
            try (FileChannel file = FileChannel.open(Path.of(object), StandardOpenOption.READ)) {
                return dump(object, new FileBytes(file), nameOf(Path.of(object)));
            }
        }
        if (!isKey && !isId) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "'" + object + "' is no object id, no key that begins with data/ or wal/, and no file; correct it");
        }
        String key = isId ? ObjectKeys.dataKey(Long.parseLong(object)) : object;
        try (OpenStore store = OpenStore.open(uri())) {
            ObjectStat stat = store.stat(key)
                    .orElseThrow(() -> new FreshetException(
                            ErrorKind.MISSING, store.describe() + " has no object " + key + "; check id and bucket"));
            return dump(key, store.bytes(key, stat.sizeBytes()), ObjectName.of(key));
        }
    }

    private String uri() {
        return storeOption
                .uri()
                .or(() -> StoreOption.inDirectory(data))
                .orElseThrow(() -> new FreshetException(
                        ErrorKind.INVALID,
                        "No object store is named and " + data
                                + " holds none; give --bucket URI, --config FILE or --data DIR"));
    }

    /** A file in a folder that is an object store ends like its key; any other name says nothing. */
    private static ObjectName nameOf(Path file) {
        Path full = file.toAbsolutePath().normalize();
        for (int parts : new int[] {3, 4}) {
            if (full.getNameCount() >= parts) {
                ObjectName name = ObjectName.of(full.subpath(full.getNameCount() - parts, full.getNameCount())
                        .toString()
                        .replace(File.separatorChar, '/'));
                if (!(name instanceof ObjectName.Unknown)) {
                    return name;
                }
            }
        }
        return new ObjectName.Unknown();
    }

    private int dump(String name, ObjectBytes bytes, ObjectName promise) {
        return new ObjectDump(print, records, tailOnly).run(name, bytes, promise) ? 0 : 1;
    }

    /** A local file. */
    private record FileBytes(FileChannel file) implements ObjectBytes {
        @Override
        public long sizeBytes() {
            try {
                return file.size();
            } catch (IOException e) {
                throw failed(e);
            }
        }

        @Override
        public ByteBuffer read(long position, int length) {
            ByteBuffer target = ByteBuffer.allocate(length);
            try {
                while (target.hasRemaining()) {
                    if (file.read(target, position + target.position()) < 0) {
                        throw new FreshetException(
                                ErrorKind.CORRUPT, "The file ends before position " + (position + length));
                    }
                }
            } catch (IOException e) {
                throw failed(e);
            }
            return target.flip();
        }

        private static FreshetException failed(IOException e) {
            return new FreshetException(ErrorKind.UNAVAILABLE, "The file cannot be read: " + e.getMessage(), e);
        }
    }
}
