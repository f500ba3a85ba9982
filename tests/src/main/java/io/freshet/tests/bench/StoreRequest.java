// SPDX-License-Identifier: Apache-2.0
package io.freshet.tests.bench;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * One request to an S3 server, as its head (and, for a deletion of many keys, its body) tells.
 *
 * @param prefix the first folder of the key: wal, data or meta; "other" if there is none of these
 */
record StoreRequest(Kind kind, String prefix) {
    /** What a request is billed as: PUT to COMPLETE and LIST as writes, GET and HEAD as reads, DELETE not at all. */
    enum Kind {
        PUT,
        PART,
        BEGIN,
        COMPLETE,
        LIST,
        GET,
        HEAD,
        DELETE
    }

    /** @param body of a POST; empty for all others */
    static StoreRequest of(String method, String target, byte[] body) {
        int mark = target.indexOf('?');
        String path = mark < 0 ? target : target.substring(0, mark);
        String query = mark < 0 ? "" : target.substring(mark + 1);
        int slash = path.indexOf('/', 1);
        String key = slash < 0 ? "" : path.substring(slash + 1);
        Kind kind = kindOf(method, key, query);
        if (key.isEmpty()) {
            key = after(query, "prefix=");
        }
        if (key.isEmpty()) {
            key = after(new String(body, StandardCharsets.UTF_8), "<Key>");
        }
        String prefix = key.split("/|%2F|%2f", 2)[0];
        return new StoreRequest(kind, prefix.matches("wal|data|meta") ? prefix : "other");
    }

    private static Kind kindOf(String method, String key, String query) {
        switch (method.toUpperCase(Locale.ROOT)) {
            case "PUT":
                return query.contains("partNumber=") ? Kind.PART : Kind.PUT;
            case "POST":
                if (key.isEmpty()) {
                    return Kind.DELETE;
                }
                return query.contains("uploadId=") ? Kind.COMPLETE : Kind.BEGIN;
            case "DELETE":
                return Kind.DELETE;
            case "HEAD":
                return Kind.HEAD;
            default:
                return key.isEmpty() ? Kind.LIST : Kind.GET;
        }
    }

    private static String after(String text, String mark) {
        int at = text.indexOf(mark);
        if (at < 0) {
            return "";
        }
        String rest = text.substring(at + mark.length());
        return rest.split("[&<]", 2)[0];
    }
}
