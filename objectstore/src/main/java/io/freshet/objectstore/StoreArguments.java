// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;

/** The rules for keys, prefixes and page sizes that hold for every store; breaking one is INVALID. */
public final class StoreArguments {
    /** Longest key in bytes. */
    public static final int MAX_KEY_BYTES = 900;

    /** Largest page of a listing and largest batch of a delete. */
    public static final int MAX_PAGE_KEYS = 1000;

    private StoreArguments() {}

    /** Throws INVALID unless {@code key} names an object. */
    public static void requireKey(String key) {
        String fault = keyFault(key);
        if (fault != null) {
            throw new FreshetException(
                    ErrorKind.INVALID, "Object key '" + key + "' " + fault + "; correct the key in the calling code");
        }
    }

    private static @org.jspecify.annotations.Nullable String keyFault(String key) {
        if (key.isEmpty() || key.length() > MAX_KEY_BYTES) {
            return "has " + key.length() + " bytes, not 1 to " + MAX_KEY_BYTES;
        }
        int partStart = 0;
        for (int i = 0; i <= key.length(); i++) {
            if (i == key.length() || key.charAt(i) == '/') {
                if (isBadPart(key, partStart, i)) {
                    return "has an empty, '.' or '..' part";
                }
                partStart = i + 1;
            } else if (!isAllowed(key.charAt(i))) {
                return "holds the character '" + key.charAt(i) + "', not only A-Z a-z 0-9 . _ - /";
            }
        }
        return null;
    }

    private static boolean isBadPart(String key, int from, int to) {
        int length = to - from;
        return length == 0
                || (length == 1 && key.charAt(from) == '.')
                || (length == 2 && key.charAt(from) == '.' && key.charAt(from + 1) == '.');
    }

    private static boolean isAllowed(char c) {
        return (c >= 'a' && c <= 'z')
                || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9')
                || c == '.'
                || c == '_'
                || c == '-'
                || c == '/';
    }

    /** Throws INVALID unless the arguments of a listing are in range. */
    public static void requireListing(String prefix, String startAfter, int maxKeys) {
        if (maxKeys < 1 || maxKeys > MAX_PAGE_KEYS) {
            throw new FreshetException(
                    ErrorKind.INVALID, "A page of " + maxKeys + " keys was asked for; ask for 1 to " + MAX_PAGE_KEYS);
        }
        requireCharacters("prefix", prefix);
        requireCharacters("start of a listing", startAfter);
    }

    private static void requireCharacters(String what, String text) {
        for (int i = 0; i < text.length(); i++) {
            if (!isAllowed(text.charAt(i))) {
                throw new FreshetException(
                        ErrorKind.INVALID,
                        "The " + what + " '" + text + "' holds '" + text.charAt(i) + "'; no key does");
            }
        }
    }

    /** Throws INVALID if {@code position} is negative. */
    public static void requirePosition(String key, long position) {
        if (position < 0) {
            throw new FreshetException(
                    ErrorKind.INVALID,
                    "A read of '" + key + "' begins at position " + position + "; begin at 0 or above");
        }
    }
}
