// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.file;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Locale;

/** The one table from errors of the file system to kinds. The system names most errors only in their text. */
final class FileErrors {
    private FileErrors() {}

    /** What {@code error} means for {@code op} on {@code key} (or a prefix) in the store at {@code root}. */
    static FreshetException of(String op, String key, Path root, IOException error) {
        ErrorKind kind = kindOf(error);
        return new FreshetException(
                kind,
                "File store " + root + ": " + op + " of '" + key + "' failed: " + error + "; " + advice(kind, error),
                error);
    }

    private static ErrorKind kindOf(IOException error) {
        if (error instanceof NoSuchFileException) {
            return ErrorKind.MISSING;
        }
        if (error instanceof AccessDeniedException) {
            return ErrorKind.DENIED;
        }
        String text = reason(error);
        if (isFull(text)) {
            return ErrorKind.THROTTLED;
        }
        if (text.contains("read-only file system") || text.contains("operation not permitted")) {
            return ErrorKind.DENIED;
        }
        if (error instanceof NotDirectoryException
                || text.contains("not a directory")
                || text.contains("is a directory")
                || text.contains("file name too long")) {
            return ErrorKind.INVALID;
        }
        return ErrorKind.UNAVAILABLE;
    }

    private static String advice(ErrorKind kind, IOException error) {
        return switch (kind) {
            case MISSING -> "reload what named it";
            case DENIED -> "give this process the right to read and write there";
            case THROTTLED -> "the disk or quota is full: free space or raise the quota, then retry";
            case INVALID -> "a part of a key is at most 255 bytes, and no key may begin with another key and '/'";
            default ->
                reason(error).contains("too many open files")
                        ? "raise the limit of open files (ulimit -n)"
                        : "check the disk and the system log, then retry";
        };
    }

    private static boolean isFull(String text) {
        return text.contains("no space left") || text.contains("disk quota exceeded");
    }

    private static String reason(IOException error) {
        String text = error instanceof FileSystemException known ? known.getReason() : error.getMessage();
        return text == null ? "" : text.toLowerCase(Locale.ROOT);
    }
}
