// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * {@code scheme:[//]target?name=value&…} taken apart. Whatever is unknown or malformed is INVALID, with the nearest
 * valid word; values are never repeated in messages about names that may be secrets.
 *
 * @param scheme in lower case
 * @param target what stands between scheme and parameters
 * @param parameters decoded, in order
 */
record StoreUri(String scheme, String target, Map<String, String> parameters) {
    private static final List<String> SCHEMES = List.of("file", "s3", "memory");
    private static final List<String> SECRET_WORDS = List.of("accesskey", "secret", "token", "password", "credential");

    static StoreUri parse(String uri) {
        int colon = uri.indexOf(':');
        String scheme = colon < 0 ? "" : uri.substring(0, colon).toLowerCase(Locale.ROOT);
        if (!SCHEMES.contains(scheme)) {
            throw invalid("Object store URI has the unknown scheme '" + scheme + "'" + suggestion(scheme, SCHEMES)
                    + "; give file:///path, s3://bucket?endpoint=…&region=… or memory:name");
        }
        String rest = uri.substring(colon + 1);
        int query = rest.indexOf('?');
        String target = query < 0 ? rest : rest.substring(0, query);
        String parameters = query < 0 ? "" : rest.substring(query + 1);
        return new StoreUri(scheme, target.startsWith("//") ? target.substring(2) : target, parametersOf(parameters));
    }

    private static Map<String, String> parametersOf(String query) {
        Map<String, String> found = new LinkedHashMap<>();
        for (String pair : query.split("&", -1)) {
            if (pair.isEmpty()) {
                continue;
            }
            int equals = pair.indexOf('=');
            String name = equals < 0 ? pair : pair.substring(0, equals);
            String value = equals < 0 ? "" : decode(name, pair.substring(equals + 1));
            if (found.put(name, value) != null) {
                throw invalid("Object store parameter '" + name + "' is given twice; give it once");
            }
        }
        return found;
    }

    private static String decode(String name, String value) {
        try {
            return URLDecoder.decode(value.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw invalid("Object store parameter '" + name + "' has a broken %-escape; write '%' as %25");
        }
    }

    /** Refuses every parameter whose name is not in {@code known}. */
    void requireOnly(Set<String> known) {
        for (String name : parameters.keySet()) {
            if (known.contains(name)) {
                continue;
            }
            String lower = name.toLowerCase(Locale.ROOT).replace("_", "").replace("-", "");
            if (SECRET_WORDS.stream().anyMatch(lower::contains)) {
                throw invalid("Object store URI holds the parameter '" + name
                        + "'; credentials never stand in the URI: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
                        + " a profile or a role");
            }
            throw invalid("Object store parameter '" + name + "' is unknown for " + scheme + suggestion(name, known)
                    + "; known are " + String.join(", ", known));
        }
    }

    Optional<String> text(String name) {
        return Optional.ofNullable(parameters.get(name)).filter(value -> !value.isEmpty());
    }

    boolean flag(String name, boolean absent) {
        return text(name)
                .map(value -> switch (value) {
                    case "true" -> true;
                    case "false" -> false;
                    default ->
                        throw invalid("Object store parameter " + name + " is '" + value + "'; give true or false");
                })
                .orElse(absent);
    }

    int number(String name, int absent, int least, int most) {
        return text(name).map(value -> inRange(name, value, least, most)).orElse(absent);
    }

    private static int inRange(String name, String value, int least, int most) {
        try {
            int number = Integer.parseInt(value);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below, with the range.
        }
        throw invalid("Object store parameter " + name + " is '" + value + "'; give a whole number from " + least
                + " to " + most);
    }

    String choice(String name, String absent, List<String> choices) {
        String value = text(name).orElse(absent);
        if (!choices.contains(value)) {
            throw invalid("Object store parameter " + name + " is '" + value + "'" + suggestion(value, choices)
                    + "; give one of " + String.join(", ", choices));
        }
        return value;
    }

    Optional<URI> endpoint(String name) {
        return text(name).map(value -> {
            try {
                URI uri = URI.create(value);
                if (uri.getHost() != null && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
                    return uri;
                }
            } catch (IllegalArgumentException e) {
                // Said below, with an example.
            }
            throw invalid(
                    "Object store parameter " + name + " is '" + value + "'; give http://host:port or https://host");
        });
    }

    static FreshetException invalid(String message) {
        return new FreshetException(ErrorKind.INVALID, message);
    }

    private static String suggestion(String word, Collection<String> valid) {
        String nearest = "";
        int best = Math.max(3, word.length() / 2);
        for (String candidate : valid) {
            int distance = distance(word.toLowerCase(Locale.ROOT), candidate.toLowerCase(Locale.ROOT));
            if (distance < best) {
                best = distance;
                nearest = candidate;
            }
        }
        return nearest.isEmpty() ? "" : ", did you mean '" + nearest + "'?";
    }

    /** Levenshtein's distance. */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(change, 1 + Math.min(above, row[j - 1]));
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
