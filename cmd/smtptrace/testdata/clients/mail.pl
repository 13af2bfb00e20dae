# Sends the mails that a JSON file asks for with Net::SMTP.
use strict;
use warnings;
use Authen::SASL;
use JSON::PP;
use Net::SMTP;

open my $file, '<', $ARGV[0] or die "$ARGV[0]: $!";
my $o = decode_json(join '', <$file>);
my @tls = (SSL_verify_mode => 0, $o->{sni} ? (SSL_hostname => $o->{sni}) : ());
my $s = Net::SMTP->new(
	$o->{host},
	Port => $o->{port},
	$o->{helo} ? (Hello => $o->{helo}) : (),
	$o->{tls} eq 'implicit' ? (SSL => 1, @tls) : (),
) or die "connect: $@";
$s->starttls(@tls) or die 'STARTTLS: ' . $s->message if $o->{tls} eq 'starttls';
if ($o->{auth}) {
	my %login = (user => $o->{user}, authname => '', pass => $o->{password});
	$s->auth(Authen::SASL->new(mechanism => $o->{auth}, callback => \%login));
}
for my $rcpts (@{ $o->{mails} }) {
	$s->mail($o->{from});
	$s->to(@$rcpts, { SkipBad => 1 }) and $s->data($o->{body});
}
$s->quit;
