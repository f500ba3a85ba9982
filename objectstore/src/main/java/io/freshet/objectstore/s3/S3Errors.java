// SPDX-License-Identifier: Apache-2.0
package io.freshet.objectstore.s3;

import io.freshet.common.ErrorKind;
import io.freshet.common.FreshetException;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkServiceException;

/** The one table from errors of the SDK and of S3 servers to kinds. A server's error code goes before its status. */
final class S3Errors {
    private static final Map<String, ErrorKind> KIND_BY_CODE = Map.ofEntries(
            Map.entry("SlowDown", ErrorKind.THROTTLED),
            Map.entry("SlowDownRead", ErrorKind.THROTTLED),
            Map.entry("SlowDownWrite", ErrorKind.THROTTLED),
            Map.entry("Throttling", ErrorKind.THROTTLED),
            Map.entry("ThrottlingException", ErrorKind.THROTTLED),
            Map.entry("RequestLimitExceeded", ErrorKind.THROTTLED),
            Map.entry("TooManyRequests", ErrorKind.THROTTLED),
            Map.entry("QuotaExceeded", ErrorKind.THROTTLED),
            Map.entry("InternalError", ErrorKind.UNAVAILABLE),
            Map.entry("ServiceUnavailable", ErrorKind.UNAVAILABLE),
            Map.entry("RequestTimeout", ErrorKind.UNAVAILABLE),
            Map.entry("IncompleteBody", ErrorKind.UNAVAILABLE),
            Map.entry("BadDigest", ErrorKind.UNAVAILABLE),
            Map.entry("XAmzContentChecksumMismatch", ErrorKind.UNAVAILABLE),
            Map.entry("OperationAborted", ErrorKind.UNAVAILABLE),
            Map.entry("ConditionalRequestConflict", ErrorKind.UNAVAILABLE),
            Map.entry(
                    "RequestTimeTooSkewed", ErrorKind.UNAVAILABLE), // the SDK learns the server's time from this answer
            Map.entry("ExpiredToken", ErrorKind.DENIED),
            Map.entry("InvalidToken", ErrorKind.DENIED),
            Map.entry("InvalidRange", ErrorKind.CORRUPT));

    private S3Errors() {}

    /** What {@code error} means for {@code op} on {@code key} in {@code store}. */
    static FreshetException of(String op, String key, String store, Throwable error) {
        Throwable cause = FreshetException.unwrap(error);
        FreshetException ours = find(cause, FreshetException.class);
        if (ours != null) {
            return ours;
        }
        ErrorKind kind = kindOf(cause);
        return new FreshetException(
                kind,
                store + ": " + op + " of '" + key + "' failed: " + describe(cause) + "; "
                        + (isClockWrong(cause) ? "set this machine's clock" : advice(kind)),
                cause);
    }

    private static ErrorKind kindOf(Throwable error) {
        if (error instanceof SdkServiceException answer) {
            String code = code(answer);
            ErrorKind byCode = code == null ? null : KIND_BY_CODE.get(code);
            return byCode != null ? byCode : kindOfStatus(answer.statusCode());
        }
        if (isTransient(error)) {
            return ErrorKind.UNAVAILABLE;
        }
        String message = String.valueOf(error.getMessage());
        if (error instanceof SdkClientException && message.contains("credentials")) {
            return ErrorKind.DENIED;
        }
        return error instanceof IllegalStateException ? ErrorKind.INVALID : ErrorKind.INTERNAL;
    }

    private static ErrorKind kindOfStatus(int status) {
        return switch (status) {
            case 401, 403 -> ErrorKind.DENIED;
            case 404 -> ErrorKind.MISSING;
            case 408, 409, 425 -> ErrorKind.UNAVAILABLE;
            case 416 -> ErrorKind.CORRUPT;
            case 429 -> ErrorKind.THROTTLED;
            default -> status >= 500 || status == 200 ? ErrorKind.UNAVAILABLE : ErrorKind.INVALID;
        };
    }

    private static boolean isTransient(Throwable error) {
        return error instanceof ApiCallTimeoutException
                || error instanceof ApiCallAttemptTimeoutException
                || error instanceof CancellationException
                || find(error, IOException.class) != null
                || find(error, TimeoutException.class) != null
                || String.valueOf(error.getMessage()).contains("Acquire operation took longer");
    }

    /** Whether the server refused a conditional put because the object exists. */
    static boolean isPreconditionFailed(Throwable error) {
        return FreshetException.unwrap(error) instanceof SdkServiceException answer && answer.statusCode() == 412;
    }

    private static boolean isClockWrong(Throwable error) {
        return error instanceof SdkServiceException answer && "RequestTimeTooSkewed".equals(code(answer));
    }

    /** Whether the server said 404. */
    static boolean isNotFound(Throwable error) {
        return FreshetException.unwrap(error) instanceof SdkServiceException answer
                && answer.statusCode() == 404
                && !"NoSuchBucket".equals(code(answer));
    }

    private static @Nullable String code(SdkServiceException answer) {
        return answer instanceof AwsServiceException aws && aws.awsErrorDetails() != null
                ? aws.awsErrorDetails().errorCode()
                : null;
    }

    private static String describe(Throwable error) {
        if (error instanceof SdkServiceException answer) {
            return "status " + answer.statusCode() + ", " + answer.getMessage();
        }
        if (isWithoutCredentials(error)) {
            return "no credentials were found (environment, system properties, profile, container, instance)";
        }
        return String.valueOf(error);
    }

    private static boolean isWithoutCredentials(Throwable error) {
        return error instanceof SdkClientException
                && String.valueOf(error.getMessage()).contains("Unable to load credentials");
    }

    private static String advice(ErrorKind kind) {
        return switch (kind) {
            case DENIED ->
                "check the credentials (AWS_ACCESS_KEY_ID, profile or role), the bucket's policy and this machine's clock";
            case MISSING -> "check that the bucket exists and reload what named the object";
            case INVALID -> "check endpoint, region and pathStyle in the store's URI";
            case THROTTLED -> "the store asks to slow down: retry later";
            case UNAVAILABLE -> "retry; if it lasts, check the endpoint and the network";
            case CORRUPT -> "the object ends before the range asked for: check what named that range";
            default -> "report this as a bug";
        };
    }

    private static <T extends Throwable> @Nullable T find(Throwable error, Class<T> type) {
        Throwable current = error;
        for (int depth = 0; current != null && depth < 20; depth++) {
            if (type.isInstance(current)) {
                return type.cast(current);
            }
            current = current.getCause();
        }
        return null;
    }
}
