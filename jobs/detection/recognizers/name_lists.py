"""Common names of persons in many languages and scripts, put together by hand for this project.

They are there to know a column by, not a person: a name that is missing here does no harm while enough others are
known.
"""

# ruff: noqa: RUF001 - letters and marks of other scripts are meant
from __future__ import annotations

from privacy_udfs.word_lists import FIRST_NAMES, LAST_NAMES

GIVEN_TEXT = """
james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony mark donald
steven paul andrew joshua kenneth kevin brian george timothy ronald edward jason jeffrey ryan jacob gary nicholas eric
jonathan stephen larry justin scott brandon benjamin samuel gregory alexander patrick jack dennis jerry tyler aaron
jose adam nathan henry zachary douglas peter kyle noah ethan jeremy walter christian keith roger terry austin sean
gerald carl harold dylan arthur lawrence jordan jesse bryan billy bruce gabriel joe logan alan juan albert willie
elijah wayne randy vincent mason roy ralph bobby russell bradley philip eugene mary patricia jennifer linda elizabeth
barbara susan jessica sarah karen lisa nancy betty sandra margaret ashley kimberly emily donna michelle carol amanda
melissa deborah stephanie rebecca laura sharon cynthia dorothy amy kathleen angela shirley emma brenda pamela nicole
anna samantha katherine christine debra rachel carolyn janet maria olivia heather helen catherine diane julie victoria
joyce lauren kelly christina ruth joan virginia judith evelyn hannah andrea megan cheryl jacqueline madison teresa
abigail sophia martha sara gloria janice kathryn ann isabella judy charlotte julia amber alice jean denise frances
danielle marilyn natalie beverly diana brittany theresa kayla alexis doris lori tiffany hans wolfgang klaus jürgen
dieter günter manfred uwe werner horst helmut gerhard karl heinz bernd holger ralf frank thorsten torsten jörg rainer
reinhard rolf kurt otto fritz friedrich wilhelm heinrich ludwig hermann georg johann johannes josef franz siegfried
volker detlef ulrich matthias andreas stefan stephan markus sven lars jens dirk marcel maximilian felix jonas leon
finn lukas tobias florian sebastian philipp fabian moritz julian niklas tim jan ole ursula renate helga monika petra
sabine brigitte ingrid christa elke gisela karin birgit claudia susanne martina angelika heike gabriele silke anja
katrin kerstin ute marion stefanie melanie katja anke gerda erika hildegard irmgard edeltraud waltraud gertrud
elfriede lieselotte hannelore annemarie rosemarie greta frieda mia lena leonie hanna johanna jana franziska luise
mathilde antje silvia sigrid pierre michel jacques philippe andré alain bernard claude georges henri louis gérard rené
françois nicolas laurent julien sébastien christophe frédéric stéphane thierry pascal éric olivier guillaume antoine
maxime alexandre émile gilbert marc benoît luc hugues yves xavier édouard étienne grégoire théodore théophile marie
jeanne françoise monique nathalie isabelle anne sylvie martine madeleine suzanne hélène marguerite louise valérie
véronique sandrine stéphanie céline camille manon chloé léa aurélie émilie juliette élodie odette simone thérèse
geneviève colette lucie agathe margot margaux josette noémi noémie inès édith éléonore adèle amélie antonio josé
manuel francisco javier jesús carlos alejandro miguel rafael pedro pablo ángel sergio fernando jorge luis alberto
álvaro adrián diego raúl enrique ramón vicente iván rubén óscar andrés joaquín santiago eduardo víctor roberto jaime
mario ignacio alfonso ricardo salvador emilio julián tomás agustín gonzalo hugo martín nicolás felipe césar guillermo
gregorio maría carmen josefa isabel dolores pilar ana francisca cristina marta antonia mercedes lucía rosario juana
raquel manuela encarnación beatriz rocío concepción inmaculada montserrat nuria irene rosa sonia consuelo elena
esperanza inés alicia lorena amparo verónica guadalupe ximena valeria jimena esther itziar leticia graciela catalina
eva noelia giuseppe giovanni luigi francesco angelo vincenzo pietro salvatore carlo franco domenico bruno paolo
michele giorgio aldo luciano alessandro marco stefano lorenzo matteo davide federico riccardo filippo tommaso raffaele
enzo giacomo massimo claudio fabrizio fabio gianluca gianni ottavio umberto guido leonardo niccolò giuseppina giovanna
lucia carmela caterina francesca antonietta carla concetta rita margherita giulia chiara federica alessia elisa
valentina paola ilaria simona alessandra serena giorgia beatrice bianca ludovica loretta patrizia donatella graziella
ornella daniela roberta raffaella joão antônio antónio paulo lucas luiz luís marcos marcelo rodrigo manoel mateus
fábio gustavo guilherme leandro tiago thiago anderson márcio sebastião edson vitor vítor sérgio cláudio matheus
joaquim mauro caio davi heitor nuno rui gonçalo duarte vasco antônia adriana juliana márcia fernanda patrícia aline
camila bruna jéssica letícia júlia luciana vanessa mariana gabriela vera vitória larissa cláudia luana sônia renata
eliane isabela joana inês matilde carolina leonor catarina sofia lara margarida lúcia cecília cornelis hendrik willem
pieter gerrit jacobus maarten bram daan sem levi luuk thijs ruben stijn sander jeroen bas wouter joost kees henk piet
klaas sjoerd rik tijn mees gijs joris koen niels floris rutger cornelia wilhelmina hendrika elisabeth tess sophie zoë
evi saar lotte fleur femke sanne anouk marieke marijke ineke annemiek ilse esmee noor roos fenna maud lieke jasmijn
eline marloes willemijn erik anders per nils johan mikael olof gunnar fredrik bengt bo gustav göran åke magnus ulf
mats björn håkan leif christer viktor oscar oskar axel elias ludvig emil isak linus filip kjell arne odd olav knut
svein geir tor bjørn rune terje trond øyvind henrik kristian morten søren mads rasmus mikkel frederik jørgen ivar stig
roar torbjørn tore lasse jesper kasper kim flemming preben børge asger kristina malin jenny birgitta annika inger ulla
elin linnea astrid ida wilma alva ebba maja agnes saga freja signe ellen kari liv berit randi marit solveig hilde
bente nina silje camilla tone turid gerd ragnhild bodil kirsten hanne mette lone dorthe birthe pia gitte juhani olavi
antero tapani kalevi tapio matti mikko ilmari pekka timo juha jari markku jukka antti heikki hannu seppo ville janne
sami teemu tuomas eero veikko esa reijo pentti marko petri helena kaarina marjatta hannele liisa annikki anneli
tuulikki päivi tuula ritva leena pirkko sinikka aino eino tarja minna anu satu riitta kirsi sari merja marjo eeva
andrzej piotr krzysztof stanisław tomasz paweł józef marcin marek michał grzegorz jerzy tadeusz łukasz zbigniew
ryszard dariusz henryk mariusz kazimierz wojciech mateusz marian rafał jacek janusz mirosław maciej sławomir jarosław
kamil wiesław roman władysław jakub artur zdzisław mieczysław damian dawid przemysław czesław leszek waldemar kacper
szymon bartosz mikołaj wiktor antoni franciszek tymon olgierd juliusz katarzyna małgorzata agnieszka krystyna ewa
elżbieta zofia magdalena joanna janina danuta jadwiga aleksandra halina irena beata dorota karolina grażyna jolanta
iwona marianna natalia bożena stanisława justyna paulina urszula alicja patrycja sylwia weronika wiktoria kinga
zuzanna amelia nikodem ignacy jiří petr pavel martin tomáš jaroslav miroslav zdeněk václav michal františek milan
karel lukáš vladimír ondřej ladislav stanislav radek antonín vojtěch matěj miloslav bohumil vlastimil luboš rostislav
hana věra lenka alena kateřina jaroslava ludmila jitka jarmila veronika zdeňka michaela ivana tereza zuzana markéta
marcela barbora dagmar eliška kristýna vlasta božena libuše miloslava šárka pavla lászló istván józsef jános zoltán
sándor gábor ferenc attila péter tamás zsolt tibor andrás csaba imre lajos györgy balázs gyula mihály károly róbert
béla dávid dániel ádám krisztián miklós norbert bence máté levente gergely szabolcs mária erzsébet katalin ilona éva
zsuzsanna margit judit ágnes ildikó krisztina mónika edit gabriella szilvia anita anikó viktória vivien hajnalka ion
gheorghe vasile constantin nicolae dumitru adrian florin ionel mihai alexandru andrei cristian ștefan bogdan răzvan
vlad cătălin marius sorin ioana mihaela alexandra andreea georgiana ana-maria camelia florentina anca oana raluca
mehmet mustafa ahmet ali hüseyin hasan ibrahim ismail osman yusuf murat ömer ramazan halil süleyman abdullah mahmut
recep salih fatih emre hakan kemal serkan burak orhan kadir yaşar bekir cem can deniz arda berk tolga volkan fatma
ayşe emine hatice zeynep elif meryem şerife zehra sultan hanife merve havva zeliha esra özlem yasemin hülya gül sevgi
dilek büşra ebru seda pınar gizem selin tuğba nur gülay songül nurcan aysel aslı derya muhammad mohammed mohamed ahmed
omar hassan hussein youssef khalid abdul fatima aisha maryam layla zainab mohammad reza hossein mehdi zahra mina amir
rahul amit sanjay rajesh suresh priya anjali pooja sunita deepak vijay arjun ravi anil sunil ramesh neha kavita rekha
lakshmi ananya aarav vivaan aditya rohan ishaan diya saanvi wei li na fang min jing lei yan xiu hao hiroshi takashi
kenji yuki yoko keiko akira naoko kazuya takuya yuta haruka sakura asuka minji jiho seojun jiwoo nguyễn anh hùng dũng
budi agus siti dewi sri putri rizky eko bambang wahyu yudi ayu indah ratna ivan sergei dmitri dmitry aleksandr alexei
alexey mikhail nikolai vladimir vladislav yuri igor oleg natalya tatiana tatyana irina olga svetlana ekaterina
anastasia galina lyudmila oksana yulia daria ksenia oleksandr andriy mykola volodymyr luka matej nikola stjepan zoran
dragan milica jelena jovana marija petar nemanja vuk mirjana snežana gordana александр сергей дмитрий андрей алексей
максим евгений иван михаил артём владимир николай виктор юрий олег игорь павел роман денис антон константин василий
григорий илья кирилл никита егор борис станислав вадим тимофей матвей леонид фёдор степан пётр валерий вячеслав
анатолий геннадий ярослав глеб семён давид мстислав всеволод святослав лев савелий захар прохор фома лука тарас анна
мария елена ольга наталья екатерина татьяна ирина светлана юлия анастасия людмила дарья марина надежда алина вера
галина виктория любовь ксения валентина нина полина евгения алла кристина лариса тамара софья зоя лидия раиса
маргарита вероника жанна инна регина олимпиада ульяна варвара василиса зинаида антонина агафья пелагея евдокия
прасковья олександр сергій андрій дмитро володимир микола василь іван олексій михайло юрій віктор богдан ігор петро
григорій павло євген назар остап орест оксана наталія ірина тетяна олена світлана юлія катерина марія надія соломія
ганна віра богдана христина дарина леся уляна орися георги димитър петър христо йордан васил стефан тодор стоян атанас
ангел красимир пламен ивайло иванка йорданка пенка росица даниела петя десислава гергана радка цветелина виолета
γιώργος γεώργιος ιωάννης γιάννης κωνσταντίνος κώστας δημήτριος δημήτρης νικόλαος νίκος παναγιώτης βασίλειος βασίλης
χρήστος αθανάσιος μιχαήλ ευάγγελος σπυρίδων αντώνιος αναστάσιος θεόδωρος ανδρέας χαράλαμπος αλέξανδρος εμμανουήλ ηλίας
σταύρος πέτρος στέφανος μαρία ελένη αικατερίνη κατερίνα βασιλική σοφία αγγελική γεωργία δήμητρα αναστασία ειρήνη
ευαγγελία παναγιώτα αθηνά χριστίνα άννα δέσποινα φωτεινή κωνσταντίνα ευγενία χρυσούλα θεοδώρα αλεξάνδρα ζωή παρασκευή
ευτυχία محمد أحمد احمد علي عمر حسن حسين إبراهيم يوسف خالد عبدالله عبد محمود مصطفى سعيد سالم فهد سعود فيصل ناصر سلطان
طارق ماجد بندر تركي عبدالرحمن عبدالعزيز صالح جمال كريم ياسر زياد وليد رامي سامي هشام نبيل فاطمة عائشة مريم نورة سارة
زينب ليلى هدى خديجة أمينة سلمى منى ريم رنا هند دانا لينا ندى نور هاجر أسماء رهف سعاد سميرة لطيفة علی حسین رضا مهدی
امیر عباس سعید حمید مجید ابراهیم اسماعیل یوسف جواد کاظم اکبر اصغر فاطمه زهرا مریم معصومه زینب سمیه لیلا سارا نرگس مینا
شیما الهام مهسا نازنین پریسا نیلوفر امیرعلی محمدرضا علیرضا امیرحسین آرش بهرام بهروز پیمان کیان فرهاد فرزاد فرشید شهرام
شهاب شاهین سیاوش سینا سهراب رستم رامین پویا پدرام پارسا نیما نادر مهران مهرداد مسعود منصور کوروش کیوان کامران کاوه
خسرو جمشید جهانگیر ایمان امید بابک بهنام بیژن داریوش روزبه سپهر ساسان آرمان آرمین میلاد مازیار هومن یاسر یونس وحید
ژاله شیرین شهره شهلا شبنم ستاره سپیده سحر ساناز رویا رعنا پروین پروانه پریناز نسرین نسترن ناهید مهتاب مهناز منیژه
مرجان لاله گلناز کتایون فرزانه فریبا فروغ طاهره صدف بنفشه آزاده آناهیتا آرزو الناز هما یاسمن ویدا דוד משה יוסף יעקב
אברהם יצחק שמעון דניאל מיכאל אורי יונתן איתי עמית רון גיא אלון יהודה חיים שלמה נועם אריאל עומר תומר ניר אייל שרה רחל
רבקה לאה מרים אסתר חנה נועה מיכל יעל תמר שירה מאיה עדי ענת אורית רונית דנה הילה טל הדס ליאת שני אביגיל मोहन राम श्याम
राजेश सुरेश रमेश महेश अमित राहुल संजय विजय अजय अनिल सुनील मनोज दीपक राकेश अशोक प्रकाश विकास रवि कुमार अर्जुन कृष्ण
सीता गीता सुनीता अनीता पूजा प्रिया नेहा रेखा कविता मीना लक्ष्मी सरस्वती राधा आशा उषा किरण ज्योति सुमन शांति अंजलि
อนันต์ สมชาย สมศักดิ์ ประเสริฐ วิชัย สุชาติ สมบัติ ณัฐ ธนา กิตติ ชัย พงษ์ สุดา สมหญิง มาลี วันดี นภา รัตนา พร จันทร์
ศรี adem serdar erkan cemal engin onur barış selim sinan levent ilker uğur özgür tarık koray kaan mert yiğit kerem efe
çınar batuhan furkan oğuz oğuzhan tuncay turgut turan tayfun taner şükrü şahin rıza rasim nuri nihat necati muzaffer
metin melih ferit ferhat fikret erdem erdal ercan erhan ender doğan cihan cengiz cevdet celal burhan bülent bora bilal
berkay aykut aytaç aydın aslan alper altan akın fadime sevim sema selma seher sibel şule şengül tülay türkan ülkü
yeliz yıldız zerrin nesrin neslihan nermin nilgün nilüfer nuray naciye müge melike melek meltem leyla kübra jale ipek
irem ilknur hande gülsüm gönül gonca filiz figen ferda feride ezgi ece duygu didem demet çiğdem ceren cemile cansu
burcu birgül betül beste berna begüm banu bahar aynur ayten asuman aylin arzu مصطفی مرتضی هادی صادق جعفر قاسم داود
فریبرز فریدون فرامرز بهزاد بهمن ایرج اردشیر اسفندیار پرویز پژمان تورج سامان سیروس شهریار شروین مانی منوچهر مهیار هوشنگ
یاشار سکینه رقیه صدیقه سمیرا شهناز شقایق شیوا سوسن سیما ریحانه پانته‌آ نگار نگین مهین مژگان مژده ملیحه گیتی فرشته
فرناز غزل طناز صبا دلارام درسا خورشید هدیه هانیه بهاره آیدا آتوسا الهه اعظم افسانه اکرم
"""

FAMILY_TEXT = """
smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson
thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson walker young
allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell mitchell carter
roberts gomez phillips evans turner diaz parker cruz edwards collins reyes stewart morris morales murphy cook rogers
gutierrez ortiz morgan cooper peterson bailey reed kelly howard ramos kim cox ward richardson watson brooks chavez
wood james bennett gray mendoza ruiz hughes price alvarez castillo sanders patel myers long ross foster jimenez powell
jenkins perry russell sullivan bell coleman butler henderson barnes gonzales fisher vasquez simmons romero jordan
patterson alexander hamilton graham reynolds griffin wallace moreno west cole hayes bryant müller schmidt schneider
fischer weber meyer wagner becker schulz hoffmann schäfer koch bauer richter klein wolf schröder neumann schwarz
zimmermann braun krüger hofmann hartmann lange schmitt werner schmitz krause meier lehmann schmid schulze maier köhler
herrmann könig walter mayer huber kaiser fuchs peters lang scholz möller weiß jung hahn schubert vogel friedrich
keller günther frank berger winkler roth beck lorenz baumann franke albrecht schuster simon ludwig böhm winter kraus
schumacher krämer vogt stein jäger otto sommer groß seidel heinrich brandt haas schreiber graf schulte dietrich
ziegler kuhn kühn pohl engel horn busch bergmann voigt sauer arnold wolff pfeiffer bernard petit robert richard durand
dubois moreau laurent michel lefebvre leroy roux david bertrand morel fournier girard bonnet dupont lambert fontaine
rousseau vincent muller lefevre faure andre mercier blanc guerin boyer garnier chevalier francois legrand gauthier
perrin robin clement morin nicolas henry roussel mathieu gautier masson marchand duval denis dumont marie lemaire noel
dufour meunier brun blanchard giraud joly riviere lucas brunet gaillard barbier arnaud gerard roche renard roy leroux
colin vidal caron picard roger fabre aubert lemoine renaud dumas lacroix olivier philippe bourgeois pierre benoit rey
leclerc payet rolland leclercq guillaume lecomte jean dupuy guillot hubert carpentier dupuis moulin louis deschamps
huet vasseur boucher fleury royer jacquet adam paris poirier marty aubry guyot carre charles renault charpentier
menard maillard garcía rodríguez gonzález fernández lópez martínez sánchez pérez gómez martín jiménez hernández díaz
muñoz álvarez alonso gutiérrez navarro domínguez vázquez gil ramírez serrano blanco molina suárez ortega delgado
castro rubio marín sanz núñez iglesias medina garrido cortés santos lozano guerrero cano prieto méndez calvo gallego
herrera márquez león peña cabrera campos vega fuentes carrasco diez caballero nieto aguilar pascual santana lorenzo
montero rossi russo ferrari esposito bianchi romano colombo ricci marino greco bruno gallo conti deluca costa giordano
mancini rizzo lombardi moretti barbieri fontana santoro mariani rinaldi caruso ferrara galli martini leone longo
gentile martinelli vitale lombardo serra coppola desantis marchetti parisi villa conte ferraro ferri fabbri bianco
marini grasso valentini messina sala gatti pellegrini palumbo sanna farina rizzi monti cattaneo morelli amato
silvestri mazza testa grassi pellegrino carbone giuliani benedetti barone rossetti caputo silva oliveira souza sousa
rodrigues ferreira alves pereira lima gomes ribeiro martins carvalho almeida lopes soares fernandes vieira barbosa
rocha dias nascimento andrade moreira nunes marques machado mendes freitas cardoso gonçalves teixeira araújo pinto
correia cunha moura azevedo monteiro cavalcanti duarte peixoto melo barros pires da-cruz porto jong jansen vries berg
bakker dijk visser janssen smit meijer boer mulder groot bos vos hendriks leeuwen dekker brouwer wit dijkstra smits
graaf meer linden kok jacobs haan vermeulen heuvel veen broek bruijn bruin heijden schouten beek willems vliet
hoekstra maas verhoeven koster dam prins blom huisman peeters kuijpers kuipers veenstra kramer post kuiper schipper
andersson johansson karlsson nilsson eriksson larsson olsson persson svensson gustafsson pettersson jonsson jansson
hansson bengtsson jönsson lindberg jakobsson magnusson olofsson lindström lindqvist lindgren axelsson bergström
lundberg lind lundgren lundqvist mattsson berglund fredriksson sandberg henriksson forsberg sjöberg wallin engström
eklund danielsson lundin håkansson björk bergman hansen johansen olsen larsen andersen pedersen nilsen kristiansen
jensen karlsen johnsen pettersen eriksen haugen hagen johannessen andreassen jacobsen dahl jørgensen halvorsen
henriksen lund sørensen jakobsen moen gundersen iversen strand svendsen solberg martinsen nielsen christensen
rasmussen petersen madsen kristensen thomsen poulsen knudsen mortensen møller mikkelsen laursen holm korhonen virtanen
mäkinen nieminen mäkelä hämäläinen laine heikkinen koskinen järvinen lehtonen lehtinen saarinen salminen heinonen
niemi heikkilä salonen kinnunen turunen salo laitinen tuominen rantanen karjalainen jokinen mattila savolainen
lahtinen ahonen nowak kowalski wiśniewski wójcik kowalczyk kamiński lewandowski zieliński szymański woźniak dąbrowski
kozłowski jankowski mazur wojciechowski kwiatkowski krawczyk kaczmarek piotrowski grabowski zając pawłowski michalski
król wieczorek jabłoński wróbel nowakowski majewski olszewski stępień malinowski jaworski adamczyk dudek nowicki
pawlak górski witkowski walczak sikora baran rutkowski michalak szewczyk ostrowski tomaszewski pietrzak zalewski
wróblewski marciniak jasiński zawadzki bąk jakubowski sadowski duda chmielewski novák svoboda novotný dvořák černý
procházka kučera veselý horák němec pokorný marek pospíšil hájek jelínek král růžička beneš fiala sedláček doležal
zeman kolář navrátil čermák vaněk urban blažek kříž kovář kopecký bartoš vlček musil polák konečný nagy kovács tóth
szabó horváth varga kiss molnár németh farkas balogh papp takács juhász lakatos mészáros oláh rácz fekete popescu
ionescu popa pop radu dumitru stan stoica gheorghe matei ciobanu rusu munteanu serban lazar florea yılmaz kaya demir
çelik şahin yıldız yıldırım öztürk aydın özdemir arslan doğan kılıç aslan çetin kara koç kurt özkan şimşek polat
korkmaz çakır erdoğan türk güneş bulut acar avcı ateş aksoy yavuz tekin taş karaca şen akın sezer ergül duran kumar
singh sharma gupta verma reddy rao nair iyer khan das mehta joshi shah chopra kapoor malhotra bose mukherjee banerjee
wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin gao luo sato suzuki takahashi tanaka
watanabe ito yamamoto nakamura kobayashi kato yoshida yamada sasaki matsumoto inoue kimura park choi kang cho yoon
jang lim han oh seo shin kwon ivanov smirnov kuznetsov popov vasiliev petrov sokolov mikhailov novikov fedorov morozov
volkov kovalenko shevchenko bondarenko horvat kovačević babić marić jurić novak kovač knežević vuković petrović
jovanović nikolić đorđević иванов смирнов кузнецов попов васильев петров соколов михайлов новиков фёдоров морозов
волков алексеев лебедев семёнов егоров павлов козлов степанов николаев орлов андреев макаров никитин захаров шевченко
коваленко бондаренко ткаченко кравченко коваль олійник мельник георгиев димитров николов стоянов тодоров илиев
παπαδόπουλος παπαδοπούλου βλάχος αγγελόπουλος νικολάου γεωργίου ιωάννου οικονόμου παππάς δημητρίου العتيبي القحطاني
الغامدي الزهراني الشهري الدوسري الحربي المطيري السبيعي الشمري العنزي المصري الخطيب النجار حداد خوري منصور عثمان آل
السيد المالكي الأنصاري محمدی احمدی حسینی رضایی کریمی موسوی جعفری صادقی رحیمی ابراهیمی قاسمی اکبری هاشمی نوری حیدری
مرادی اسدی باقری شریفی یوسفی כהן לוי מזרחי פרץ ביטון אברהם פרידמן דהן אגבריה מלכה אזולאי יוסף עמר גבאי שפירא אוחיון
חדד גולן קליין שלום רוזן ישראלי כץ ברק शर्मा वर्मा सिंह गुप्ता कुमार यादव मिश्रा तिवारी पांडे जोशी पटेल शाह अग्रवाल
चौधरी चौहान राजपूत मेहता रेड्डी राव नायर दास खान can aktaş güler yalçın bozkurt keskin ünal turan gül özer ışık kaplan
sarı köse yüksel tunç güven çiftçi özkaya duman erdem sönmez toprak uysal akbulut eren ekinci kocabaş demirel demirci
akar akman altun ay bayraktar başaran bilgin ceylan coşkun dağ durmaz elmas ercan ersoy genç gündoğdu karadağ karakaya
karataş kocaman oral öner özbek özcan pektaş soylu tosun tuncer uçar uzun mihai constantin marin dinu cristea barbu
nistor mocanu ardelean oprea moldovan tudor neagu manole sandu voicu ungureanu dobre toma moraru petre lungu roman
olteanu sava nica stanciu ene anghel dima bratu cojocaru cozma lazăr ioniță niță călin suciu mureșan crăciun chiriac
grosu manea bogdan coman luca nedelcu pavel vasile ilie ștefan tănase zamfir rotaru iordache avram albu crișan ghiță
postma martens wouters mol driessen hermans janssens goossens claes mertens aerts lambrecht verbruggen timmermans
ruiter gerritsen molenaar bosman scholten hofman roos vink groen kroon evers wolters hartman ploeg zwart mulders
verhagen bosch علیزاده نجفی سلیمانی رستمی امینی ملکی میرزایی فلاحی عباسی جمشیدی بهرامی کاظمی
"""

HAN_FAMILY = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭"
    "陆范汪廖石金韦贾夏付方邹熊"
    "白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴莫孔向汤張劉陳楊黃趙吳孫馬鄭謝許韓鄧馮蕭葉蘇呂盧鍾譚陸賈鄒龍"
    "賀龔萬錢湯莊游詹賴簡"
    "嚴严温溫梅柯阮常康施祝柴卞齐倪俞桂明楚欧司翟滕安晏苗牛樊葛奚柏水窦章云喻鲁凤花柳酆鲍费岑倪殷罗毕安傅皮"
)
HAN_GIVEN = (
    "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超秀霞平刚桂英华建文兰玉红梅慧琴婷宇浩凯健俊帆帅旭宁欣颖莹雪琳晶畅柳淑凤丹冬春瑜"
    "飞鹏鑫波斌莉坤彬晨东阳"
    "想成利岩倩龙瑞楠峰辉成亮海雷佳彤雨子涵志新民国庆龙洁珍贞荣爱嘉怡美惠雅君家豪冠廷宗翰承恩詩涵婷雯筱馨雅筑彥俊傑偉"
    "麗華靜玲萍蓉淑"
)
JAPANESE_FAMILY = """
佐藤 鈴木 高橋 田中 伊藤 渡辺 渡邊 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 斎藤 斉藤 清水 山崎 森
池田 橋本 阿部 石川 山下 中島 石井 小川 前田 岡田 長谷川 藤田 後藤 近藤 村上 遠藤 青木 坂本 福田 太田 西村 藤井 金子
岡本 藤原 三浦 中野 中川 原田 松田 竹内 小野 田村 中山 和田 石田 森田 上田 原 内田 柴田 酒井 宮崎 横山 高木 安藤 宮本
大野 小島 谷口 今井 工藤 高田 増田 丸山 杉山 村田 大塚 新井 小山 平野 藤本 河野 上野 野口 武田 松井 千葉 菅原 岩崎
木下 久保 佐野 野村 松尾 市川 菊地 杉本 古川 大西 島田 水野 桜井 吉川 山内 西田 津田 青山 若松 喜嶋 廣川 宇野 浜田
三宅 加納 江古田 笹田
"""
JAPANESE_GIVEN_ENDS = (
    "子美郎介太翔也樹人斗真一二三夫男雄彦香奈恵代江織里花菜音莉衣加穂佳平司之弘輔希馬吾哉治和輝智学淳聡亮健稔裕蓮陸"
    "悠葵凛陽結愛咲"
)
KOREAN_FAMILY = (
    "김이박최정강조윤장임한오서신권황안송류전홍고문양손배백허유남심노하곽성차주우구민진나지엄채원천방공현함변염여추"
    "도소석선설마길연위표명기반라왕금옥육인맹제모탁국어은편용"
)
AMBIGUOUS_TEXT = """
mark will rose grace may june april art bill frank faith hope joy dawn eve ivy lily daisy violet iris jade amber ruby
pearl crystal summer autumn chase hunter mason parker rich rob pat drew dale dean ray guy max king long young white
black brown green gray wood hill bell cook baker price west law power case christian carol sandy penny ginger basil
berg stein fuchs wolf stern can nur gül deniz sultan nice van villa rue marina paris victoria sofia florence lima
santiago bruno leon lea bach gold silver min li na an bo tone pia gerd liv saga per odd lang klein groß jung weiß
schwarz winter sommer könig kaiser engel vogel horn pop stan lazar post prins dam bos vos smart son bas rik sem noor
vera надежда вера любовь лев лука роман ріка gil leal sala testa serra monti longo leone conte rey moulin roux brun
noel petit blanc roche rose angel jordan austin logan jackson madison charlotte lincoln washington francisco jose
diego antonio juan luis ana maria jean pierre paul georges georg martin sterling reed cole page ford marie
"""
"""Names that are also words, colours, cities or saints of places: they count for less."""


def _words(text: str) -> frozenset[str]:
    return frozenset(word.replace("-", " ") for word in text.split())


GIVEN = _words(GIVEN_TEXT) | {name.lower() for name in FIRST_NAMES}
FAMILY = _words(FAMILY_TEXT) | {name.lower() for name in LAST_NAMES}
JAPANESE = _words(JAPANESE_FAMILY)
AMBIGUOUS = _words(AMBIGUOUS_TEXT)
