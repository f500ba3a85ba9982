// SPDX-License-Identifier: Apache-2.0
package io.freshet.console;

import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers the requests of one HTTP connection. Confined to the console's event loop. */
final class Pages extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final Logger LOG = LoggerFactory.getLogger(Pages.class);

    private static final String TEXT = "text/plain; charset=utf-8";
    private static final String HTML = "text/html; charset=utf-8";
    private static final String PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";
    private static final String INDEX = """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><title>Freshet</title></head><body>
            <h1>Freshet</h1>
            <ul>
            <li><a href="/livez">/livez</a>: whether the process is alive</li>
            <li><a href="/readyz">/readyz</a>: whether it takes traffic, or why not</li>
            <li><a href="/metrics">/metrics</a>: metrics for Prometheus</li>
            <li><a href="/api/storage">/api/storage</a>: streams and objects, for <code>freshet storage</code></li>
            <li><a href="/api/balance">/api/balance</a>: brokers' loads, for <code>freshet balance</code></li>
            </ul></body></html>
            """;

    private final HealthSource health;
    private static final String JSON = "application/json; charset=utf-8";
    /** Requests that a client may send ahead while an answer is being made. */
    private static final int MAX_WAITING = 16;

    private final Supplier<String> metrics;
    private final StorageSource storage;
    private final Deque<Asked> waiting = new ArrayDeque<>();
    private boolean isAnswering;

    Pages(HealthSource health, Supplier<String> metrics, StorageSource storage) {
        this.health = health;
        this.metrics = metrics;
        this.storage = storage;
    }

    /** What is needed of a request to answer it. */
    private record Asked(HttpMethod method, String uri, boolean isKeptAlive) {
        boolean isHeadOnly() {
            return method.equals(HttpMethod.HEAD);
        }
    }

    private record Page(HttpResponseStatus status, String type, String text) {
        static Page text(HttpResponseStatus status, String text) {
            return new Page(status, TEXT, text + "\n");
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
        if (request.decoderResult().isFailure()) {
            send(ctx, Page.text(HttpResponseStatus.BAD_REQUEST, "bad request"), false, false);
            return;
        }
        Asked asked = new Asked(request.method(), request.uri(), HttpUtil.isKeepAlive(request));
        if (!isAnswering) {
            answer(ctx, asked);
        } else if (waiting.size() < MAX_WAITING) {
            waiting.add(asked);
        } else {
            ctx.close();
        }
    }

    /** Answers at once, or when the storage source has answered; later requests wait, so that answers keep their order. */
    private void answer(ChannelHandlerContext ctx, Asked asked) {
        QueryStringDecoder query = new QueryStringDecoder(asked.uri());
        String path = query.path();
        boolean isSourced = path.equals(StorageSource.PREFIX)
                || path.startsWith(StorageSource.PREFIX + "/")
                || path.equals(StorageSource.BALANCE);
        if (!isSourced) {
            sendPage(ctx, asked, () -> page(asked, path));
            return;
        }
        if (!asked.isHeadOnly() && !asked.method().equals(HttpMethod.GET)) {
            sendPage(ctx, asked, Pages::notAllowed);
            return;
        }
        isAnswering = true;
        storage.answer(path, query.parameters())
                .whenComplete((reply, error) -> ctx.executor().execute(() -> {
                    isAnswering = false;
                    sendPage(ctx, asked, () -> jsonPage(reply, error));
                    while (!isAnswering && !waiting.isEmpty()) {
                        answer(ctx, waiting.removeFirst());
                    }
                }));
    }

    private static Page jsonPage(StorageSource.@Nullable Reply reply, @Nullable Throwable error) {
        if (reply == null) {
            throw new IllegalStateException("The storage page failed", error);
        }
        return new Page(HttpResponseStatus.valueOf(reply.status()), JSON, reply.json());
    }

    private static void sendPage(ChannelHandlerContext ctx, Asked asked, Supplier<Page> made) {
        Page page;
        try {
            page = made.get();
        } catch (RuntimeException e) {
            LOG.error("HTTP {} {} failed", asked.method(), asked.uri(), e);
            page = Page.text(HttpResponseStatus.INTERNAL_SERVER_ERROR, "internal error; see the server's log");
        }
        send(ctx, page, asked.isHeadOnly(), asked.isKeptAlive());
    }

    private Page page(Asked asked, String path) {
        Page page = switch (path) {
            case "/" -> new Page(HttpResponseStatus.OK, HTML, INDEX);
            case "/livez" -> live();
            case "/readyz" -> ready();
            case "/metrics" -> new Page(HttpResponseStatus.OK, PROMETHEUS, metrics.get());
            default -> Page.text(HttpResponseStatus.NOT_FOUND, "not found; / lists what is here");
        };
        if (!page.status().equals(HttpResponseStatus.NOT_FOUND)
                && !asked.isHeadOnly()
                && !asked.method().equals(HttpMethod.GET)) {
            return notAllowed();
        }
        return page;
    }

    private static Page notAllowed() {
        return Page.text(HttpResponseStatus.METHOD_NOT_ALLOWED, "only GET and HEAD are allowed");
    }

    private Page live() {
        return health.isLive()
                ? Page.text(HttpResponseStatus.OK, "ok")
                : Page.text(HttpResponseStatus.SERVICE_UNAVAILABLE, "not live; restart this process");
    }

    private Page ready() {
        List<String> reasons = health.notReadyReasons();
        return reasons.isEmpty()
                ? Page.text(HttpResponseStatus.OK, "ok")
                : Page.text(HttpResponseStatus.SERVICE_UNAVAILABLE, String.join("\n", reasons));
    }

    private static void send(ChannelHandlerContext ctx, Page page, boolean headOnly, boolean keepAlive) {
        byte[] bytes = page.text().getBytes(StandardCharsets.UTF_8);
        FullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                page.status(),
                headOnly ? ctx.alloc().buffer(0) : ByteBufUtil.writeUtf8(ctx.alloc(), page.text()));
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, page.type())
                .set(HttpHeaderNames.CONTENT_LENGTH, bytes.length)
                .set(HttpHeaderNames.CACHE_CONTROL, "no-store")
                .set("X-Content-Type-Options", "nosniff");
        if (page.status().equals(HttpResponseStatus.METHOD_NOT_ALLOWED)) {
            response.headers().set(HttpHeaderNames.ALLOW, "GET, HEAD");
        }
        HttpUtil.setKeepAlive(response, keepAlive);
        var written = ctx.writeAndFlush(response);
        if (!keepAlive) {
            written.addListener(ChannelFutureListener.CLOSE);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        LOG.debug("An HTTP connection broke", cause);
        ctx.close();
    }
}
