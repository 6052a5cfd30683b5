<?php
// SPDX-License-Identifier: Apache-2.0
// The PHP extension `stomp` against stompd.
// Rules: I2 I3 I4 I31 I33
//
// Needs: php -r 'exit(extension_loaded("stomp") ? 0 : 1);' -- apt install php-cli php-stomp

$count = 0;
$failed = 0;

function testcase(string $name, callable $code): void
{
    global $count, $failed;
    $count++;
    try {
        $code();
        echo "ok $count - $name\n";
    } catch (Throwable $e) {
        $failed = 1;
        echo "not ok $count - $name\n#   " . get_class($e) . ': '
            . str_replace("\n", "\n#   ", $e->getMessage()) . "\n";
    }
}

function check(bool $condition, string $text): void
{
    if (!$condition) {
        throw new Exception($text);
    }
}

function session(array $headers = []): Stomp
{
    $stomp = new Stomp('tcp://127.0.0.1:' . getenv('STOMP_PORT'), 'user',
        'secret', $headers);
    $stomp->setReadTimeout((int) getenv('STOMPD_TEST_DEADLINE'));
    check($stomp->getSessionId() != '', 'no session');
    return $stomp;
}

function message(Stomp $stomp): StompFrame
{
    $frame = $stomp->readFrame();
    check($frame !== false, 'no frame: ' . $stomp->error());
    check($frame->command === 'MESSAGE', 'not a MESSAGE: '
        . $frame->command . ' ' . json_encode($frame->headers));
    return $frame;
}

foreach (['1.0' => [], '1.1' => ['accept-version' => '1.1', 'host' => '/']]
        as $version => $headers) {
    $extra = $version === '1.0' ? [] : ['id' => 's'];
    $sub = $version === '1.0' ? [] : ['subscription' => 's'];

    testcase("sends with receipts, receives and acks ($version)",
        function () use ($version, $headers, $extra, $sub) {
            $stomp = session($headers);
            $name = "/queue/php.$version";
            for ($i = 0; $i < 10; $i++) {
                check($stomp->send($name, "turtle $i", ['receipt' => "r$i",
                    'persistent' => 'true', 'k' => 'v']), 'not sent');
            }
            $stomp->subscribe($name, ['ack' => 'client'] + $extra);
            for ($i = 0; $i < 10; $i++) {
                $frame = message($stomp);
                check($frame->body === "turtle $i", "body $frame->body");
                check($frame->headers['k'] === 'v',
                    json_encode($frame->headers));
                check($stomp->ack($frame, $sub), 'not acked');
            }
            check($stomp->unsubscribe($name, $extra), 'not unsubscribed');
        });

    testcase("un-acked messages come again ($version)",
        function () use ($version, $headers, $extra, $sub) {
            $name = "/queue/php.again.$version";
            $first = session($headers);
            $first->subscribe($name, ['ack' => 'client'] + $extra);
            $first->send($name, 'x', ['receipt' => 'r']);
            check(!isset(message($first)->headers['redelivered']),
                'redelivered at once');
            unset($first);
            $second = session($headers);
            $second->subscribe($name, ['ack' => 'client'] + $extra);
            $frame = message($second);
            check(($frame->headers['redelivered'] ?? '') === 'true',
                json_encode($frame->headers));
            check($second->ack($frame, $sub), 'not acked');
        });

    testcase("transactions ($version)",
        function () use ($version, $headers, $extra) {
            $name = "/queue/php.tx.$version";
            $stomp = session($headers);
            foreach (['abort', 'commit'] as $end) {
                check($stomp->begin($end, ['receipt' => "b$end"]), 'begin');
                check($stomp->send($name, $end, ['transaction' => $end,
                    'receipt' => "s$end"]), 'send');
                check($stomp->$end($end, ['receipt' => "e$end"]), $end);
            }
            $stomp->subscribe($name, $extra);
            check(message($stomp)->body === 'commit', 'wrong body');
        });

    testcase("bytes pass unchanged ($version)",
        function () use ($version, $headers, $extra) {
            $name = "/queue/php.bytes.$version";
            $bytes = implode('', array_map('chr', range(0, 255)));
            $stomp = session($headers);
            $stomp->send($name, $bytes, ['receipt' => 'r']);
            $stomp->subscribe($name, $extra);
            check(message($stomp)->body === $bytes, 'wrong bytes');
        });
}

testcase('an ERROR is read', function () {
    $stomp = session();
    try {
        $stomp->send('/topic/*', 'x', ['receipt' => 'r']);
        $text = (string) $stomp->error();
    } catch (StompException $e) {
        $text = $e->getMessage();
    }
    check($text !== '', 'no error text');
});

echo "1..$count\n";
exit($failed);
