# SPDX-License-Identifier: Apache-2.0
# Net::Stomp against stompd (STOMP 1.0).
# Rules: I3 I21 I30 I33
#
# Needs: perl -MNet::Stomp -e 1 -- apt install libnet-stomp-perl
use strict;
use warnings;
use Net::Stomp;

$| = 1;
my $count  = 0;
my $failed = 0;

sub testcase {
    my ($name, $code) = @_;
    $count++;
    local $SIG{ALRM} = sub { die "no answer in time\n" };
    alarm(1 + 2 * $ENV{STOMPD_TEST_DEADLINE});
    if (eval { $code->(); 1 }) {
        print "ok $count - $name\n";
    } else {
        my $why = $@;
        chomp $why;
        $failed = 1;
        print "not ok $count - $name\n#   $why\n";
    }
    alarm(0);
}

sub assert {
    my ($condition, $text) = @_;
    die "$text\n" if !$condition;
}

sub session {
    my $stomp = Net::Stomp->new({
        hostname => '127.0.0.1', port => $ENV{STOMP_PORT} });
    my $frame = $stomp->connect({ login => 'user', passcode => 'secret' });
    assert($frame && $frame->command eq 'CONNECTED', 'not connected');
    assert($frame->headers->{session}, 'no session header');
    return $stomp;
}

sub message {
    my ($stomp) = @_;
    my $frame = $stomp->receive_frame;
    assert($frame && $frame->command eq 'MESSAGE',
        'no MESSAGE but ' . ($frame ? $frame->as_string : 'nothing'));
    return $frame;
}

testcase('sends with receipts, receives and acks', sub {
    my $stomp = session();
    # Before SUBSCRIBE: send_with_receipt takes the next frame for its receipt.
    for my $i (0 .. 9) {
        assert($stomp->send_with_receipt({ destination => '/queue/perl',
                    body => "turtle $i", persistent => 'true', k => 'a:b' }),
            'no receipt');
    }
    $stomp->subscribe({ destination => '/queue/perl', ack => 'client',
            'activemq.prefetchSize' => 1 });
    for my $i (0 .. 9) {
        my $frame = message($stomp);
        assert($frame->body eq "turtle $i", 'body ' . $frame->body);
        assert($frame->headers->{k} eq 'a:b', $frame->as_string);
        $stomp->ack({ frame => $frame });
    }
    $stomp->disconnect;
});

testcase('un-acked messages come again', sub {
    my $first = session();
    $first->subscribe({ destination => '/queue/perl.again',
            ack => 'client' });
    $first->send({ destination => '/queue/perl.again', body => 'x' });
    assert(!message($first)->headers->{redelivered}, 'redelivered at once');
    $first->disconnect;
    my $second = session();
    $second->subscribe({ destination => '/queue/perl.again',
            ack => 'client' });
    my $frame = message($second);
    assert(($frame->headers->{redelivered} // '') eq 'true',
        $frame->as_string);
    $second->ack({ frame => $frame });
    $second->disconnect;
});

testcase('NACK in 1.0, where a broker takes it, brings a message again', sub {
    my $stomp = session();
    $stomp->subscribe({ destination => '/queue/perl.nack',
            ack => 'client' });
    $stomp->send({ destination => '/queue/perl.nack', body => 'x' });
    $stomp->nack({ frame => message($stomp) });
    my $frame = message($stomp);
    assert(($frame->headers->{redelivered} // '') eq 'true',
        $frame->as_string);
    $stomp->ack({ frame => $frame });
    $stomp->disconnect;
});

testcase('send_transactional waits for its receipt inside the transaction',
    sub {
    my $stomp = session();
    assert($stomp->send_transactional({ destination => '/queue/perl.tx',
                body => 'x', persistent => 'true' }), 'not committed');
    $stomp->subscribe({ destination => '/queue/perl.tx' });
    assert(message($stomp)->body eq 'x', 'wrong body');
    $stomp->unsubscribe({ destination => '/queue/perl.tx' });
    $stomp->disconnect;
});

testcase('bytes pass unchanged', sub {
    my $stomp = session();
    my $bytes = join '', map { chr } 0 .. 255;
    $stomp->subscribe({ destination => '/topic/perl' });
    $stomp->send({ destination => '/topic/perl', body => $bytes,
            bytes_message => 1 });
    assert(message($stomp)->body eq $bytes, 'wrong bytes');
    $stomp->disconnect;
});

print "1..$count\n";
exit $failed;
