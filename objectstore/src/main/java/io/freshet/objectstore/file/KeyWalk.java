// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.file;

import io.freshet.objectstore.ObjectStore.ObjectStat;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * One walk over the files below a root in the order of their keys. A directory sorts as its name and '/', so that the
 * order is that of whole keys. Directories that cannot hold an answer are not opened. Used by one thread.
 */
final class KeyWalk {
    private final String prefix;
    private final String startAfter;
    private final int limit;
    private final List<ObjectStat> found = new ArrayList<>();

    KeyWalk(String prefix, String startAfter, int limit) {
        this.prefix = prefix;
        this.startAfter = startAfter;
        this.limit = limit;
    }

    /** Up to {@code limit} objects below {@code root}, ascending. */
    List<ObjectStat> from(Path root) throws IOException {
        visit(root, "");
        return found;
    }

    private void visit(Path directory, String directoryKey) throws IOException {
        for (Child child : childrenOf(directory, directoryKey)) {
            if (found.size() == limit) {
                return;
            }
            if (child.isDirectory) {
                visit(child.path, child.key);
            } else {
                add(child);
            }
        }
    }

    private List<Child> childrenOf(Path directory, String directoryKey) throws IOException {
        List<Child> children = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            for (Path entry : entries) {
                String name = String.valueOf(entry.getFileName());
                if (name.equals(ObjectFiles.TEMP_DIRECTORY) || !mayHold(directoryKey + name)) {
                    continue;
                }
                boolean isDirectory = Files.isDirectory(entry);
                String key = isDirectory ? directoryKey + name + '/' : directoryKey + name;
                if (isDirectory ? mayHoldBelow(key) : key.startsWith(prefix) && key.compareTo(startAfter) > 0) {
                    children.add(new Child(key, entry, isDirectory));
                }
            }
        } catch (NoSuchFileException e) {
            return List.of(); // deleted since its parent was read
        } catch (java.nio.file.DirectoryIteratorException e) {
            throw e.getCause();
        }
        children.sort(Comparator.comparing(Child::key));
        return children;
    }

    /** Cheap test by name alone, before the entry's type is known. */
    private boolean mayHold(String key) {
        return key.startsWith(prefix) || prefix.startsWith(key);
    }

    private boolean mayHoldBelow(String directoryKey) {
        return (directoryKey.startsWith(prefix) || prefix.startsWith(directoryKey))
                && (startAfter.startsWith(directoryKey) || directoryKey.compareTo(startAfter) > 0);
    }

    private void add(Child child) throws IOException {
        try {
            BasicFileAttributes attributes = Files.readAttributes(child.path, BasicFileAttributes.class);
            found.add(new ObjectStat(
                    child.key, attributes.size(), attributes.lastModifiedTime().toMillis()));
        } catch (NoSuchFileException e) {
            // Deleted since its directory was read: no longer part of the answer.
            return;
        }
    }

    private record Child(String key, Path path, boolean isDirectory) {}
}
