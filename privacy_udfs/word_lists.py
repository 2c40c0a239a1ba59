"""Short lists of names to substitute with, put together for this project; the names are common ones of many countries.

An entry's place decides which pseudonym it is, so a released list never changes: a test pins each by its SHA-256.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in text.split(","))


FIRST_NAMES = _words("""
Aaron, Abigail, Adam, Adele, Adrian, Agata, Agnes, Ahmed, Aiko, Aisha, Alan, Albert, Alejandro, Alexander, Alice,
Alina, Amara, Amelia, Amina, Amir, Ana, Anders, Andrea, Andrew, Angela, Anna, Anton, Antonio, Anya, Arjun, Arthur,
Astrid, Audrey, Ayumi, Barbara, Beatriz, Benjamin, Bernard, Bianca, Birgit, Boris, Brigitte, Bruno, Camila, Carla,
Carlos, Caroline, Catherine, Cecilia, Chiara, Chloe, Christian, Christina, Claire, Clara, Claudia, Clemens, Connor,
Cornelia, Dalia, Daniel, Daniela, Daria, David, Deborah, Diana, Diego, Dieter, Dimitri, Dominik, Dorothy, Edgar,
Edith, Eduardo, Edward, Eileen, Elena, Eleanor, Elias, Elif, Elisa, Elizabeth, Ella, Emil, Emily, Emma, Enrico, Eric,
Erika, Ernst, Esther, Ethan, Eva, Evelyn, Fabian, Farid, Fatima, Felix, Fernando, Fiona, Florence, Francesca, Francis,
Frank, Frederik, Gabriel, Gabriela, George, Gerard, Gianna, Giulia, Grace, Greta, Guido, Gustav, Hana, Hannah, Harold,
Haruto, Hassan, Heidi, Helen, Henrik, Henry, Hiroshi, Hugo, Ian, Ibrahim, Ines, Ingrid, Irene, Isabel, Isaac, Ivan,
Jacob, Jakub, James, Jan, Jana, Jasmine, Javier, Jean, Jennifer, Jessica, Joan, Johanna, John, Jonas, Jorge, Joseph,
Josephine, Juan, Judith, Julia, Julian, Karen, Karim, Karl, Katarina, Keiko, Kenji, Kevin, Klaus, Konrad, Lara, Laura,
Lea, Leila, Leo, Leonard, Liam, Lidia, Lina, Linda, Lorenzo, Louis, Louise, Lucas, Lucia, Lukas, Lydia, Magdalena,
Malik, Manuel, Marc, Margaret, Maria, Marie, Mario, Marta, Martin, Mary, Mateo, Matilda, Matthew, Maya, Mei, Michael,
Miguel, Mila, Milan, Mina, Miriam, Mohamed, Monica, Nadia, Naomi, Natalia, Nathan, Nicolas, Nina, Noah, Nora, Oliver,
Olga, Olivia, Omar, Oscar, Pablo, Patricia, Paul, Paula, Pedro, Peter, Philip, Pierre, Priya, Rachel, Rafael, Ravi,
Rebecca, Richard, Rita, Robert, Rosa, Ruth, Samir, Samuel, Sara, Sebastian, Simon, Sofia, Stefan, Susan, Teresa,
Thomas, Tobias, Ursula, Valentina, Vera, Victor, Viktoria, Walter, William, Xavier, Yara, Yasmin, Yusuf, Zoe
""")

LAST_NAMES = _words("""
Adams, Aguilar, Ahmed, Aigner, Akhtar, Ali, Allen, Almeida, Alvarez, Andersen, Anderson, Andersson, Arnold, Bailey,
Baker, Barbieri, Barnes, Bauer, Baumann, Becker, Bell, Bennett, Berg, Bergmann, Bernard, Bianchi, Blanc, Bonnet,
Brandt, Braun, Brooks, Brown, Bruno, Butler, Campbell, Cardoso, Carlsson, Carter, Castillo, Castro, Chen, Christensen,
Clark, Clarke, Collins, Colombo, Cook, Cooper, Costa, Cruz, Das, Davies, Davis, Delgado, Diaz, Dietrich, Dubois,
Dupont, Durand, Edwards, Eriksen, Eriksson, Evans, Fernandes, Fernandez, Ferrari, Fischer, Fleming, Flores, Fontaine,
Foster, Fournier, Frank, Friedrich, Fuchs, Fujita, Garcia, Garnier, Gomes, Gomez, Gonzalez, Graf, Graham, Gray, Green,
Greco, Griffin, Gruber, Gupta, Gutierrez, Haas, Hall, Hamilton, Hansen, Hansson, Harris, Hartmann, Hassan, Hayes,
Heinrich, Henderson, Herman, Hernandez, Herrera, Hill, Hoffmann, Holm, Horvat, Howard, Huber, Hughes, Hussain,
Ibrahim, Ivanov, Jackson, Jacobs, James, Jansen, Janssen, Jenkins, Jensen, Jimenez, Johansson, Johnson, Jones, Jung,
Kaiser, Karlsson, Kato, Kaufmann, Kaya, Keller, Kelly, Khan, Kim, King, Klein, Koch, Kowalski, Kramer, Krause, Kumar,
Lambert, Lang, Larsen, Larsson, Laurent, Lee, Lefebvre, Lehmann, Leroy, Lewis, Li, Lind, Lindberg, Lombardi, Lopez,
Lorenz, Maier, Mancini, Marino, Marshall, Martin, Martinez, Mayer, Medina, Meier, Mendes, Mendoza, Meyer, Miller,
Mitchell, Moore, Morales, Moreau, Moreno, Moretti, Morgan, Morris, Müller, Murphy, Murray, Nakamura, Navarro, Nelson,
Neumann, Nguyen, Nielsen, Nilsson, Novak, Nowak, Oliveira, Olsen, Olsson, Ortiz, Otto, Parker, Patel, Pedersen,
Pereira, Perez, Petersen, Petrov, Phillips, Popescu, Popov, Ramirez, Ramos, Rasmussen, Reyes, Ribeiro, Ricci, Richter,
Rivera, Rizzo, Roberts, Robinson, Rodrigues, Rodriguez, Rogers, Romano, Roth, Rousseau, Roux, Ruiz, Russo, Sanchez,
Santos, Sato, Schmid, Schmidt, Schneider, Schulz, Schwarz, Scott, Shah, Sharma, Silva, Singh, Smith, Sokolov, Sousa,
Stein, Stewart, Suzuki, Svensson, Tanaka, Taylor, Thomas, Thompson, Torres, Turner, Vargas, Vogel, Wagner, Walker,
Wang, Watson, Weber, Weiss, White, Williams, Wilson, Winkler, Wolf, Wood, Wright, Yamamoto, Yang, Yilmaz, Young,
Zhang, Ziegler, Zimmermann
""")

CITIES = _words("""
Aachen, Aarhus, Aberdeen, Abidjan, Accra, Adelaide, Albany, Algiers, Almaty, Amsterdam, Ankara, Antwerp, Athens,
Atlanta, Auckland, Austin, Baku, Baltimore, Bangalore, Bangkok, Barcelona, Bari, Basel, Beijing, Beirut, Belfast,
Belgrade, Bergen, Berlin, Bern, Bilbao, Birmingham, Bogota, Bologna, Bonn, Bordeaux, Boston, Bratislava, Bremen,
Brest, Brisbane, Bristol, Brno, Brussels, Bucharest, Budapest, Buenos Aires, Buffalo, Cairo, Calgary, Cape Town,
Caracas, Cardiff, Casablanca, Charlotte, Chennai, Chicago, Christchurch, Cincinnati, Cleveland, Cologne, Columbus,
Copenhagen, Cordoba, Cork, Coventry, Dakar, Dallas, Darmstadt, Delhi, Denver, Detroit, Dhaka, Dijon, Dortmund,
Dresden, Dublin, Dundee, Durban, Düsseldorf, Edinburgh, Edmonton, Eindhoven, Erfurt, Essen, Florence, Frankfurt,
Freiburg, Fukuoka, Gdansk, Geneva, Genoa, Ghent, Gijon, Girona, Glasgow, Gothenburg, Granada, Graz, Grenoble,
Groningen, Guadalajara, Halifax, Hamburg, Hamilton, Hanoi, Hanover, Havana, Heidelberg, Helsinki, Hiroshima, Hobart,
Houston, Hyderabad, Indianapolis, Innsbruck, Istanbul, Izmir, Jakarta, Johannesburg, Kampala, Kansas City, Karachi,
Karlsruhe, Kassel, Katowice, Kiel, Kigali, Kobe, Kolkata, Krakow, Kyoto, Lagos, Lahore, Lausanne, Leeds, Leicester,
Leipzig, Lille, Lima, Limerick, Linz, Lisbon, Liverpool, Ljubljana, Lodz, London, Los Angeles, Luanda, Lucerne, Lyon,
Madrid, Malaga, Malmo, Manchester, Manila, Mannheim, Marseille, Medellin, Melbourne, Memphis, Mexico City, Miami,
Milan, Milwaukee, Minneapolis, Monterrey, Montevideo, Montpellier, Montreal, Mumbai, Munich, Nagoya, Nairobi, Nantes,
Naples, Nashville, New Orleans, New York, Nice, Nuremberg, Odense, Oporto, Orlando, Osaka, Oslo, Ottawa, Palermo,
Paris, Perth, Philadelphia, Phoenix, Pisa, Pittsburgh, Plymouth, Portland, Poznan, Prague, Quebec, Quito, Recife,
Reims, Rennes, Reykjavik, Riga, Rome, Rosario, Rostock, Rotterdam, Sacramento, Salzburg, San Antonio, San Diego, San
Francisco, San Jose, Santiago, Sapporo, Sarajevo, Seattle, Seoul, Seville, Sheffield, Singapore, Sofia, Stavanger,
Stockholm, Strasbourg, Stuttgart, Sydney, Taipei, Tallinn, Tampa, Tampere, Tartu, Tbilisi, The Hague, Thessaloniki,
Tokyo, Toledo, Toronto, Toulouse, Trieste, Trondheim, Tucson, Tunis, Turin, Turku, Uppsala, Utrecht, Valencia,
Valparaiso, Vancouver, Venice, Verona, Vienna, Vilnius, Warsaw, Wellington, Winnipeg, Wroclaw, Yerevan, York, Zagreb,
Zaragoza, Zurich
""")

WORD_LISTS = {"first_names": FIRST_NAMES, "last_names": LAST_NAMES, "cities": CITIES}
