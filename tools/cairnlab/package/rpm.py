"""The `.spec` for rpm distributions: it builds from the source, or packs a tarball's files where it is given
one.

Debian's libcurl has versions on its symbols that others' have not, so a binary that was built on Debian says
so at each start there.
"""
import datetime

from . import source

SPEC = """\
# rpmbuild -bb cairn.spec                                             builds it with Swift
# rpmbuild -bb cairn.spec --define 'cairn_files FOLDER'               packs the files of an unpacked tarball
Name:           cairn
Version:        {version}
Release:        1
Summary:        Container-image downloader that tunes itself
License:        Apache-2.0 AND Apache-2.0 WITH Swift-exception
Source0:        cairn-%{{version}}.tar.gz
%if 0%{{!?cairn_files:1}}
BuildRequires:  swift-lang >= 6.3, libcurl-devel, openssl-devel, sqlite-devel, zlib-devel, python3
%endif
Recommends:     ca-certificates

# The binary is stripped already.
%global debug_package %{{nil}}
%global __strip /bin/true
%global _build_id_links none
# The same commit gives the same bytes.
%global source_date_epoch_from_changelog 0
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global _buildhost reproducible

%description
Cairn downloads container images with a pool of parallel workers whose size is
measured while it pulls and remembered for the next time. It splits large
layers, resumes after any interruption, verifies every byte as it stands on
disk, and keeps images in a store that skopeo, umoci and others read as it is.

%prep
%if 0%{{!?cairn_files:1}}
%autosetup
%endif

%build
%if 0%{{!?cairn_files:1}}
tools/package --only tarball --output dist
tar -xf dist/cairn-%{{version}}-linux-*.tar.gz
%endif

%install
mkdir -p %{{buildroot}}%{{_prefix}}
%if 0%{{?cairn_files:1}}
cp -a %{{cairn_files}}/. %{{buildroot}}%{{_prefix}}/
%else
cp -a cairn-%{{version}}-linux-*/. %{{buildroot}}%{{_prefix}}/
%endif
# A tarball's units are for /usr/local.
find %{{buildroot}} -name '*.service' -exec sed -i 's,/usr/local/bin/,%{{_bindir}}/,' {{}} +

%files
%license %{{_datadir}}/doc/cairn/LICENSE
%license %{{_datadir}}/doc/cairn/THIRD-PARTY.txt
%doc %{{_datadir}}/doc/cairn/README.md
%doc %{{_datadir}}/doc/cairn/CHANGELOG.md
%doc %{{_datadir}}/doc/cairn/SECURITY.md
%{{_bindir}}/cairn
%{{_mandir}}/man1/cairn*.1*
%{{_datadir}}/cairn
%{{_datadir}}/bash-completion/completions/cairn
%{{_datadir}}/zsh/site-functions/_cairn
%{{_datadir}}/fish/vendor_completions.d/cairn.fish
{units}
%changelog
* {date} The Cairn authors <cairn@maintainers.invalid> - {version}-1
- Release {version}: see CHANGELOG.md.
"""


def spec(facts):
    date = datetime.datetime.fromtimestamp(facts.epoch, datetime.UTC).strftime("%a %b %d %Y")
    units = "/usr/lib/systemd/system/cairn*\n" if (source.ROOT / "tools/systemd").is_dir() else ""
    return SPEC.format(version=facts.version, date=date, units=units)
